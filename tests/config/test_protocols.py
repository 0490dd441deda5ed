"""The recipes that protocols resolve to are the published ones, phase by phase."""

from dataclasses import asdict, fields

import pytest
import yaml

from sample_rows import SAMPLE_ROOT
from stilts_xl.config.build import build_request
from stilts_xl.config.compose import compose_run
from stilts_xl.config.folder import config_folder, groups, options
from stilts_xl.core.errors import Mistake
from stilts_xl.core.recipe import Compute, Recipe, Retrieval
from stilts_xl.core.request import Request
from stilts_xl.kinds.retrieve import layers_of


def request(*overrides: str) -> Request:
    return build_request(compose_run(["data=sample", *overrides]), "w", 0, True)


def recipes(*overrides: str) -> dict[str, Recipe]:
    """Role -> recipe."""
    phases = request(*overrides).phases
    return dict(zip(("intermediate", "target")[-len(phases) :], (phase.recipe for phase in phases), strict=True))


COMMON = {
    "phang2020": {
        "learning_rate": 1e-5, "warmup_fraction": 0.1, "warmup_steps": 0, "weight_decay": 0.01, "schedule": "linear",
        "selection": "best", "eval_every": 1000, "eval_examples": 500, "patience": 30, "max_grad_norm": 1.0,
        "adam_epsilon": 1e-8, "adam_beta1": 0.9, "adam_beta2": 0.999, "max_steps": 0, "seed": 1,
    },
    "xtreme": {
        "warmup_fraction": 0.0, "schedule": "linear", "max_grad_norm": 1.0, "adam_epsilon": 1e-8, "max_steps": 0,
        "seed": 42, "batch_size": 32, "patience": 0,
    },
}  # fmt: skip
QA = {"max_length": 384, "stride": 128, "max_query_length": 64, "max_answer_length": 30, "n_best": 20}
XTREME_QA = {**QA, "learning_rate": 3e-5, "epochs": 3, "warmup_steps": 500, "weight_decay": 1e-4, "selection": "last"}
XTREME_NLI = {
    "epochs": 5,
    "max_length": 128,
    "warmup_steps": 0,
    "weight_decay": 0.0,
    "selection": "best",
    "eval_every": 100,
}

PUBLISHED = [
    ("phang2020", "squad", "tydiqa", "intermediate", {**QA, "batch_size": 16, "epochs": 3}),
    ("phang2020", "squad", "tydiqa", "target", {**QA, "batch_size": 16, "epochs": 2}),
    ("phang2020", "squad", "xquad", "target", {**QA, "batch_size": 16, "epochs": 2}),
    ("phang2020", "mnli", "tydiqa", "intermediate", {"max_length": 256, "batch_size": 32, "epochs": 3}),
    ("phang2020", "mnli", "tydiqa", "target", {**QA, "batch_size": 16, "epochs": 2}),
    ("phang2020", "mnli", "xnli", "intermediate", {"max_length": 256, "batch_size": 32, "epochs": 3}),
    ("phang2020", "mnli", "xnli", "target", {"max_length": 256, "batch_size": 32, "epochs": 2}),
    ("phang2020", "squad", "xnli", "intermediate", {**QA, "batch_size": 16, "epochs": 3}),
    ("xtreme", "none", "tydiqa", "target", XTREME_QA),
    ("xtreme", "none", "xquad", "target", XTREME_QA),
    ("xtreme", "squad", "xnli", "intermediate", XTREME_QA),
    ("xtreme", "none", "xnli", "target", {**XTREME_NLI, "learning_rate": 3e-5}),
    ("phang2020", "none", "pawsx", "target", {"max_length": 256, "batch_size": 32, "epochs": 5}),
    ("phang2020", "none", "udpos", "target", {"max_length": 256, "batch_size": 32, "epochs": 10}),
    ("phang2020", "panx", "panx", "target", {"max_length": 256, "batch_size": 32, "epochs": 10}),
    ("phang2020", "hellaswag", "xnli", "intermediate", {"max_length": 256, "batch_size": 32, "epochs": 3}),
    ("phang2020", "ccg", "xnli", "intermediate", {"max_length": 256, "batch_size": 32, "epochs": 3}),
    ("phang2020", "anli_plus", "xnli", "intermediate", {"max_length": 256, "batch_size": 32, "epochs": 3}),
    ("phang2020", "none", "mlqa", "target", {**QA, "batch_size": 16, "epochs": 2}),
    ("xtreme", "none", "pawsx", "target", {**XTREME_NLI, "learning_rate": 2e-5, "eval_every": 200}),
    ("xtreme", "none", "mlqa", "target", XTREME_QA),
]
TAGGING = {**XTREME_NLI, "learning_rate": 2e-5, "epochs": 10, "seed": 1}
"""Protocol, intermediate, target, role, what is published for that phase with XLM-R large."""


@pytest.mark.parametrize(("protocol", "intermediate", "target", "role", "published"), PUBLISHED)
def test_a_protocol_is_as_published(
    protocol: str, intermediate: str, target: str, role: str, published: dict[str, object]
):
    found = asdict(recipes(f"protocol={protocol}", f"intermediate={intermediate}", f"target={target}")[role])
    wanted = COMMON[protocol] | published
    assert {name: found[name] for name in wanted} == wanted


def test_xtreme_learns_nli_more_slowly_with_a_base_model():
    assert recipes("protocol=xtreme", "target=xnli", "model=xlmr_base")["target"].learning_rate == 2e-5
    assert recipes("protocol=xtreme", "target=xnli", "model=xlmr_large")["target"].learning_rate == 3e-5


def test_phang2020_is_the_protocol_unless_another_is_named():
    assert request("target=xnli").protocol == "phang2020"
    assert recipes("target=xnli") == recipes("target=xnli", "protocol=phang2020")


def test_the_rows_that_choose_a_step_are_those_the_protocol_names():
    assert request("target=xnli", "protocol=phang2020").phases[-1].validation_task == "mnli"
    assert request("target=xnli", "protocol=xtreme").phases[-1].validation_task == "xnli"
    assert request("intermediate=mnli", "target=xnli", "protocol=xtreme").phases[0].validation_task == "mnli"


@pytest.mark.parametrize(
    ("protocol", "target", "split"),
    [("phang2020", "xnli", "validation"), ("phang2020", "xquad", "test"), ("xtreme", "xnli", "test")],
)
def test_the_scored_split_is_the_first_of_the_protocol_that_the_target_has(protocol: str, target: str, split: str):
    assert request(f"protocol={protocol}", f"target={target}").split == split
    assert request(f"protocol={protocol}", f"target={target}", "target.split=test").split == "test"


def test_an_override_of_one_phase_leaves_the_other():
    before = recipes("intermediate=squad", "target=tydiqa")
    after = recipes("intermediate=squad", "target=tydiqa", "target.learning_rate=3e-5", "intermediate.epochs=1")
    assert after["target"].learning_rate == 3e-5
    assert after["intermediate"].epochs == 1
    changed = {"target": {"learning_rate"}, "intermediate": {"epochs"}}
    for role, names in changed.items():
        old, new = asdict(before[role]), asdict(after[role])
        assert {name for name in old if old[name] != new[name]} == names


def test_what_is_changed_of_a_protocol_is_told_with_it():
    words = ("intermediate=squad", "target=tydiqa", "target.learning_rate=1e-5", "intermediate.epochs=1", "seed=5")
    assert request(*words).protocol == "phang2020 with intermediate.epochs=1.0"


def test_a_seed_is_for_both_phases_unless_one_has_its_own():
    both = recipes("intermediate=squad", "target=tydiqa", "seed=5")
    assert [both[role].seed for role in both] == [5, 5]
    one = recipes("intermediate=squad", "target=tydiqa", "seed=5", "target.seed=6")
    assert [one[role].seed for role in one] == [5, 6]


@pytest.mark.parametrize("role", ["intermediate", "target"])
def test_a_phase_can_set_every_field_of_a_recipe_and_nothing_else(role: str):
    whole = yaml.safe_load((config_folder() / "run.yaml").read_text(encoding="utf-8"))
    settings = set(whole[role]) - {"task", "split", "train_languages"}
    if role == "target":
        settings -= {field.name for field in fields(Retrieval)} - {field.name for field in fields(Recipe)}
    assert settings == {field.name for field in fields(Recipe)}


@pytest.mark.parametrize("name", options("protocol"))
def test_a_protocol_sets_every_field_of_a_recipe(name: str):
    plain = yaml.safe_load((config_folder() / "protocol" / f"{name}.yaml").read_text(encoding="utf-8"))
    known = {field.name for field in fields(Recipe)}
    assert set(plain["recipe"]) == known
    how = {field.name for field in fields(Retrieval)}
    assert set(plain["retrieval"]) == how
    assert all(
        set(rule["set"]) <= (how if rule["when"].get("kind") == "retrieve" else known) for rule in plain["rules"]
    )
    assert plain["name"] == name


def test_where_and_how_have_no_field_in_common():
    assert not {field.name for field in fields(Recipe)} & {field.name for field in fields(Compute)}


@pytest.mark.parametrize(("group", "name"), [(group, name) for group in groups() for name in options(group)])
def test_every_option_composes_and_builds(group: str, name: str):
    local = [f"data.root={SAMPLE_ROOT}"] if (group, name) == ("data", "local") else []
    found = build_request(compose_run([f"{group}={name}", "target=xnli", *local]), "w", 0, True)
    if group in ("model", "protocol"):
        assert getattr(found, group) == name or found.model.name == name


def test_options_are_plain_yaml_without_interpolation_or_code():
    for file in config_folder().rglob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        assert not any(sign in text for sign in ("${", "_target_", "!!")), file


def test_a_task_may_be_called_by_its_alias():
    found = request("intermediate=squad_v1", "target=TyDiQA")
    assert (found.intermediate, found.target) == ("squad", "tydiqa")


def test_languages_keep_the_order_of_the_target():
    assert request("target=tydiqa", "languages=[fi,en]").languages == ("en", "fi")
    assert request("target=tydiqa", "languages=te").languages == ("te",)


@pytest.mark.parametrize(("task", "eval_every"), [("udpos", 500), ("panx", 1000)])
def test_xtreme_tags_for_ten_epochs_with_seed_one(task: str, eval_every: int):
    found = asdict(recipes("protocol=xtreme", f"target={task}")["target"])
    assert {name: found[name] for name in TAGGING} == {**TAGGING, "eval_every": eval_every}


def test_sentence_retrieval_is_not_trained_and_looks_at_the_published_layer():
    for target in ("tatoeba", "bucc2018"):
        found = request(f"target={target}")
        assert found.phases == ()
        assert found.retrieval == Retrieval(-1, "mean", 512, 4, "bf16", curve=False)
    assert layers_of(request("target=tatoeba").retrieval, 24) == (14,)
    assert request("target=tatoeba", "model=xlmr_base").retrieval.layer == 8
    assert request("target=tatoeba", "target.layer=10", "target.curve=true").retrieval == Retrieval(
        10, "mean", 512, 4, "bf16", curve=True
    )
    assert request("target=tatoeba", "target.layer=10").protocol == "phang2020 with target.layer=10"
    assert request("target=bucc2018").tune_on == "validation"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("target=tatoeba", "target.learning_rate=1e-4"), "tatoeba is not trained"),
        (("target=xnli", "target.layer=3"), "target.layer is for sentence retrieval"),
        (("intermediate=tatoeba", "target=xnli"), "has no training data"),
        (("target=anli_plus",), "can only be an intermediate task"),
        (("target=tatoeba", "target.layer=-2"), "target.layer: expected a layer's number"),
        (("target=tatoeba", "target.pooling=max"), "unknown target.pooling 'max'"),
        (("target=xnli", "target.train_languages=[de]"), "target.train_languages of mnli"),
        (("target=mlqa", "languages=de-xx"), "unknown language of mlqa 'de-xx'"),
        (("target=xnli", "+protocol.variants.pawsx=mangled"), "settings cannot be added"),
        (("target=mlm", "target.train_languages=[]"), "target.train_languages is empty"),
        (("target=mlm", "target.mask_probability=0"), "target.mask_probability: expected more than 0"),
        (("target=udpos", "target.mask_probability=0.3"), "target.mask_probability is for masked language modelling"),
        (("target=udpos", "target.alpha=0.3"), "target.alpha is for tasks of several parts"),
        (("target=mlm", "target.shuffled_labels=true"), "target.shuffled_labels is for tasks that have labels"),
        (("target=udpos", "target.frozen=embedding"), "unknown target.frozen 'embedding'. Did you mean 'embeddings'"),
        (("target=squad", "target.no_answer_threshold=1"), "target.no_answer_threshold is for questions that may have"),
        (("target=squad_v2", "target.no_answer_threshold=inf"), "expected a finite number, found inf"),
        (("target=tatoeba", "model=scratch", "target.layer=9"), "target.layer=9 is more than model.layers=2"),
        (
            ("target=tatoeba", "model=scratch", "target.max_length=600"),
            "target.max_length=600 is more than model.max_pos",
        ),
        (("target=mlqa", "languages=corss"), "Did you mean 'cross'"),
        (("target=xquad", "languages=cross"), "unknown language of xquad 'cross'.\nknown: .* ro, "),
        (("target=pawsx", "protocol.variants.pawsx=odd"), "unknown variant of pawsx 'odd'.\nknown: mangled"),
        (("target=pawsx", "protocol.variants.xnli=mangled"), "xnli has no variants of its rows; pawsx has"),
        (("target=pawsx", "protocol.variants=mangled"), "protocol.variants: expected a mapping, found 'mangled'"),
        (("target=pawsx", "protocol.rules=x"), "protocol.rules: expected a list, found 'x'"),
        (("target=pawsx", "protocol.rules=[x]"), "protocol.rules: expected a mapping, found 'x'"),
        (("target=pawsx", "protocol.recipe=x"), "protocol.recipe: expected a mapping, found 'x'"),
        (("target=pawsx", "protocol.splits=test"), "protocol.splits: expected a list, found 'test'"),
        (("target=pawsx", "protocol.splits=[dev]"), "unknown protocol.split 'dev'"),
        (("target=pawsx", "protocol.splits=[]"), "pawsx has none of them"),
        (("target=tatoeba", "protocol.splits=[validation]"), "tatoeba has none of them"),
    ],
)
def test_what_makes_no_sense_for_a_task_is_refused(words: tuple[str, ...], message: str):
    with pytest.raises(Mistake, match=message):
        request(*words)


def test_only_xtreme_reads_paws_x_with_mangled_quotes():
    assert request("target=pawsx").variants == {}
    assert request("target=pawsx", "protocol=xtreme").variants == {"pawsx": "mangled"}


def test_the_variant_of_rows_is_a_setting_under_any_protocol():
    assert request("target=pawsx", "protocol.variants.pawsx=mangled").variants == {"pawsx": "mangled"}
    assert request("target=pawsx", "protocol=xtreme", "protocol.variants.pawsx=null").variants == {}
    with pytest.raises(Mistake, match="protocol.variants.pawsx is set twice"):
        request("target=pawsx", "protocol.variants.pawsx=mangled", "protocol.variants.pawsx=null")


def test_a_protocol_that_was_changed_says_so_beside_every_number():
    assert request("target=pawsx").protocol == "phang2020"
    words = ("target=pawsx", "protocol.recipe.epochs=2", "target.batch_size=8")
    assert request(*words).protocol == "phang2020 with protocol.recipe.epochs=2, target.batch_size=8"


def test_running_text_is_learned_in_every_language_and_small_ones_are_drawn_more_often():
    (phase,) = request("target=mlm").phases
    assert len(phase.languages) == 50 and phase.recipe.alpha == 0.3
    (phase,) = request("target=mlm", "target.train_languages=[de,en]").phases
    assert phase.languages == ("de", "en") or phase.languages == ("en", "de")


@pytest.mark.parametrize("task", ["hellaswag", "cosmosqa", "commonsenseqa", "qqp"])
@pytest.mark.parametrize("protocol", options("protocol"))
def test_a_test_set_whose_labels_were_never_published_is_not_chosen(protocol: str, task: str):
    assert request(f"protocol={protocol}", f"target={task}").split == "validation"
    assert request(f"protocol={protocol}", f"target={task}", "target.split=test").split == "test"


def test_cross_pairs_of_mlqa_are_predicted_only_when_they_are_asked_for():
    assert len(request("target=mlqa").languages) == 7
    assert len(request("target=mlqa", "languages=cross").languages) == 42
    assert request("target=mlqa", "languages=[en,en-de]").languages == ("en", "en-de")


def test_a_changed_switch_is_told_as_it_is_typed():
    assert request("target=tatoeba", "target.curve=true").protocol == "phang2020 with target.curve=true"
