"""A chain is made once: what is here is used, what is missing is made, what another process makes is waited for."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForQuestionAnswering, AutoModelForSequenceClassification

from sample_rows import SAMPLE_ROOT
from stilts_xl.core.errors import Interrupted, Mistake
from stilts_xl.core.event import Event
from stilts_xl.core.stage import Predict, Stage, Train, slug
from stilts_xl.model.encoder import from_scratch, load_tokenizer
from stilts_xl.model.heads import SentenceHead, initialise
from stilts_xl.run.plan import missing, missing_stages, plan, relative
from stilts_xl.run.resolve import TOKENIZER, Chain
from stilts_xl.run.runner import run_missing
from stilts_xl.run.schedule import Made
from stilts_xl.run.train import HEAD_DEVIATION, head_seed
from stilts_xl.store.store import completed, faults, find, lock_file, read_predictions, stage_folder, verified
from toys import QUICK, chain, token_head

CHAIN = ("intermediate=mnli", "target=tydiqa", "languages=[en,ko]", "compute.threads=1")
HOLDER = """
import sys, time
from pathlib import Path
from stilts_xl.store.lock import claim
assert claim(Path(sys.argv[1]), "another run")
print("held", flush=True)
time.sleep(60)
"""


def make(found: Chain, stopping=lambda: False) -> tuple[Made, list[Event]]:
    """Make what is missing of a chain; what was made and what was said."""
    events: list[Event] = []
    todo = missing_stages(found.goals, Path(found.site.workspace))
    return run_missing(todo, found.site, events.append, stopping), events


def folders(found: Chain) -> dict[str, Path]:
    """The folders of a chain's stages: mnli, tydiqa, en, ko."""
    workspace, tydiqa = Path(found.site.workspace), found.goals[0].model
    named: dict[str, Stage] = {"mnli": tydiqa.start, "tydiqa": tydiqa} | {g.data.language: g for g in found.goals}
    return {name: stage_folder(workspace, stage) for name, stage in named.items()}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Path:
    """A workspace with a finished chain; not to be changed."""
    folder = tmp_path_factory.mktemp("finished")
    made, _ = make(chain(folder, *CHAIN))
    assert (made.trained, made.predicted) == (2, 2)
    return folder


@pytest.fixture
def copy(workspace, tmp_path) -> Chain:
    """The finished chain in a workspace that a test may spoil."""
    shutil.copytree(workspace, tmp_path / "copy")
    return chain(tmp_path / "copy", *CHAIN)


# What a chain leaves


def test_stages_are_folders_that_the_stock_classes_load(workspace) -> None:
    found = folders(chain(workspace, *CHAIN))
    classifier = AutoModelForSequenceClassification.from_pretrained(found["mnli"])
    assert list(classifier.config.id2label.values()) == ["contradiction", "entailment", "neutral"]
    reader = AutoModelForQuestionAnswering.from_pretrained(found["tydiqa"])
    assert torch.equal(reader.qa_outputs.weight, load_file(found["tydiqa"] / "model.safetensors")["qa_outputs.weight"])
    for name in ("en", "ko"):
        rows = read_predictions(found[name])
        assert [
            set(row) >= {"id", "cluster", "prediction", "score", "gold"} and set(row["counts"]) == {"f1", "exact_match"}
            for row in rows
        ] == [True] * len(rows)


def test_records_keep_what_was_measured(workspace) -> None:
    found = chain(workspace, *CHAIN)
    trained, predicted = (completed(workspace, stage) for stage in (found.goals[0].model, found.goals[0]))
    assert trained is not None and predicted is not None
    assert trained.stage == found.goals[0].model and predicted.stage == found.goals[0]
    facts = trained.facts
    assert facts["steps"] == facts["planned"] == facts["kept_step"] > 0
    assert facts["loss"] > 0 and facts["tokens"] > 0 and facts["seconds"] > 0
    assert (facts["device"], facts["precision"], facts["examples"]) == ("cpu", "no", 36)
    assert predicted.facts["examples"] == len(read_predictions(stage_folder(workspace, predicted.stage)))
    assert {"torch", "transformers", "python"} <= set(trained.provenance["versions"])


def test_no_checkpoint_is_left_of_a_finished_training(workspace) -> None:
    assert not list(workspace.glob("stages/*/checkpoint-*")) + list(workspace.glob("stages/*/best-*"))
    assert not list(workspace.glob("locks/*.lock"))


# What is carried from stage to stage


@pytest.fixture(scope="module")
def untaught(tmp_path_factory) -> Chain:
    """A chain whose only update has the learning rate 0, so that every tensor is as it began."""
    still = [
        f"{role}.{setting}" for role in ("intermediate", "target") for setting in ("max_steps=1", "warmup_steps=9")
    ]
    found = chain(tmp_path_factory.mktemp("untaught"), *CHAIN, *still)
    make(found)
    return found


def test_the_encoder_is_carried_over_and_the_heads_are_new(untaught) -> None:
    found = folders(untaught)
    first, second = (load_file(found[name] / "model.safetensors") for name in ("mnli", "tydiqa"))
    assert {name for name in first if not name.startswith("roberta.")} == {
        f"classifier.{part}.{what}" for part in ("dense", "out_proj") for what in ("weight", "bias")
    }
    assert {name for name in second if not name.startswith("roberta.")} == {"qa_outputs.weight", "qa_outputs.bias"}
    start = from_scratch(untaught.cell.model, load_tokenizer(TOKENIZER)).state_dict()
    assert all(torch.equal(first[f"roberta.{name}"], tensor) for name, tensor in start.items())
    assert all(torch.equal(second[f"roberta.{name}"], tensor) for name, tensor in start.items())


def test_a_head_begins_as_a_function_of_seed_and_task(untaught) -> None:
    seed = untaught.goals[0].model.recipe.seed
    reader, classifier = token_head(32), SentenceHead(32, 3, 0.1)
    for head, task in ((reader, "tydiqa"), (classifier, "mnli")):
        initialise(head, HEAD_DEVIATION, torch.Generator().manual_seed(head_seed(seed, task)))
    found = folders(untaught)
    assert torch.equal(load_file(found["tydiqa"] / "model.safetensors")["qa_outputs.weight"], reader.linear.weight)
    left = load_file(found["mnli"] / "model.safetensors")
    assert torch.equal(left["classifier.out_proj.weight"], classifier.out_proj.weight)
    assert len({head_seed(seed, task) for seed in range(5) for task in ("mnli", "tydiqa")}) == 10


def test_the_pooler_goes_through_two_trainings_unchanged(workspace, untaught) -> None:
    start = load_file(folders(untaught)["mnli"] / "model.safetensors")
    for name in ("mnli", "tydiqa"):
        learned = load_file(folders(chain(workspace, *CHAIN))[name] / "model.safetensors")
        for part in ("weight", "bias"):
            assert torch.equal(learned[f"roberta.pooler.dense.{part}"], start[f"roberta.pooler.dense.{part}"])
        words = "roberta.embeddings.word_embeddings.weight"
        assert not torch.equal(learned[words], start[words])


# What is here is used


def test_a_finished_chain_has_nothing_to_do(copy) -> None:
    assert missing_stages(copy.goals, Path(copy.site.workspace)) == ()
    assert {step.state for step in plan(copy.goals, Path(copy.site.workspace))} == {"here"}


def test_a_lost_prediction_is_made_again_and_nothing_else(copy) -> None:
    found = folders(copy)
    before = (found["ko"] / "predictions.jsonl").read_bytes()
    shutil.rmtree(found["ko"])
    made, _ = make(copy)
    assert (made.trained, made.predicted) == (0, 1)
    assert (found["ko"] / "predictions.jsonl").read_bytes() == before


def test_trainings_that_nothing_missing_stands_on_are_not_made_again(copy) -> None:
    found = folders(copy)
    for name in ("mnli", "tydiqa"):
        shutil.rmtree(found[name])
    assert missing_stages(copy.goals, Path(copy.site.workspace)) == ()
    states = [step.state for step in plan(copy.goals, Path(copy.site.workspace))]
    assert states == ["unneeded", "unneeded", "here", "here"]


def test_pruned_weights_are_made_again_on_demand_to_the_same_bytes(copy) -> None:
    found = folders(copy)
    before = {name: (found[name] / "model.safetensors").read_bytes() for name in ("mnli", "tydiqa")}
    for name in ("mnli", "tydiqa", "ko"):
        shutil.rmtree(found[name])
    made, _ = make(copy)
    assert (made.trained, made.predicted) == (2, 1)
    assert {name: (found[name] / "model.safetensors").read_bytes() for name in before} == before


def test_a_stage_stands_only_on_the_training_below_it(copy) -> None:
    found = folders(copy)
    shutil.rmtree(found["mnli"])
    shutil.rmtree(found["ko"])
    assert missing_stages(copy.goals, Path(copy.site.workspace)) == (copy.goals[1],)


def test_each_stage_is_looked_at_once_and_what_is_missing_comes_in_an_order_that_can_be_run(copy) -> None:
    asked: list[Stage] = []
    found = missing([*copy.goals, *copy.goals], lambda stage: asked.append(stage))
    assert len(asked) == len(set(asked)) == 4
    tydiqa = copy.goals[0].model
    assert found == (tydiqa.start, tydiqa, *copy.goals)


def test_a_new_language_is_predicted_without_any_training(copy) -> None:
    wider = chain(Path(copy.site.workspace), *CHAIN[:2], "languages=[en,fi,ko,te]", CHAIN[3])
    made, _ = make(wider)
    assert (made.trained, made.predicted) == (0, 2)


def test_the_nearest_relative_is_the_one_with_the_fewest_other_settings(workspace) -> None:
    other = chain(workspace, *CHAIN, "target.learning_rate=1e-3", "target.seed=5").goals[0].model
    found = relative(other, workspace)
    assert found is not None
    assert found[0].stage == chain(workspace, *CHAIN).goals[0].model
    assert [name for name, _, _ in found[1]] == ["recipe.learning_rate", "recipe.seed"]


# What is broken is found


@pytest.mark.parametrize("name", ["mnli", "tydiqa", "ko"])
def test_a_file_that_is_gone_makes_a_stage_incomplete(name, copy) -> None:
    folder = folders(copy)[name]
    record = find(Path(copy.site.workspace), folder.name)
    file = folder / ("predictions.jsonl" if name == "ko" else "model.safetensors")
    file.unlink()
    assert completed(Path(copy.site.workspace), record.stage) is None
    assert [(fault.file, fault.found) for fault in faults(folder, record)] == [(file.name, "the file is gone")]
    assert verified(Path(copy.site.workspace), record.stage) is None


@pytest.mark.parametrize("name", ["tydiqa", "ko"])
def test_a_flipped_byte_is_found_before_it_is_used_and_made_good(name, copy) -> None:
    folder = folders(copy)[name]
    record = find(Path(copy.site.workspace), folder.name)
    file = folder / ("predictions.jsonl" if name == "ko" else "model.safetensors")
    whole = bytearray(file.read_bytes())
    file.write_bytes(whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:])
    assert completed(Path(copy.site.workspace), record.stage) is not None, "sizes are as they were"
    assert [fault.found for fault in faults(folder, record)] == ["its bytes have changed (sha256 differs)"]
    if name == "tydiqa":
        shutil.rmtree(folders(copy)["ko"])  # otherwise nothing would read the weights
    make(copy)
    assert file.read_bytes() == whole
    assert faults(folder, find(Path(copy.site.workspace), folder.name)) == []


def test_a_cut_file_is_a_fault_by_its_size(copy) -> None:
    folder = folders(copy)["ko"]
    record = find(Path(copy.site.workspace), folder.name)
    file = folder / "predictions.jsonl"
    file.write_bytes(file.read_bytes()[:-1])
    assert completed(Path(copy.site.workspace), record.stage) is None
    assert "bytes instead of" in faults(folder, record)[0].found


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"stage": {"type": "Elsewhere"}}'])
def test_a_broken_record_is_no_record(text, copy) -> None:
    folder = folders(copy)["ko"]
    (folder / "record.json").write_text(text)
    assert completed(Path(copy.site.workspace), copy.goals[1]) is None
    assert missing_stages(copy.goals, Path(copy.site.workspace)) == (copy.goals[1],)


def test_a_record_of_another_identity_is_a_fault(copy) -> None:
    folder = folders(copy)["ko"]
    plain = json.loads((folder / "record.json").read_text())
    plain["stage"]["revision"] = 7
    (folder / "record.json").write_text(json.dumps(plain))
    record = find(Path(copy.site.workspace), folder.name)
    assert [fault.file for fault in faults(folder, record)] == ["record.json"]


# Predictions


def test_a_language_s_predictions_are_the_same_bytes_alone_and_among_others(workspace, tmp_path) -> None:
    alone = chain(tmp_path, *CHAIN[:2], "languages=[ko]", CHAIN[3], "compute.eval_token_budget=0")
    shutil.copytree(workspace / "stages", tmp_path / "stages")
    together = chain(tmp_path, *CHAIN[:2], "languages=all", CHAIN[3])
    assert set(alone.goals) < set(together.goals)
    folder = stage_folder(tmp_path, alone.goals[0])
    found = []
    for asked in (alone, together):
        for goal in together.goals:
            shutil.rmtree(stage_folder(tmp_path, goal), ignore_errors=True)
        made, _ = make(asked)
        assert (made.trained, made.predicted) == (0, len(asked.goals))
        found.append((folder / "predictions.jsonl").read_bytes())
    assert found[0] == found[1] == (folders(chain(workspace, *CHAIN))["ko"] / "predictions.jsonl").read_bytes()


def test_languages_that_were_done_are_kept_when_a_prediction_is_stopped(copy) -> None:
    found = folders(copy)
    for name in ("en", "ko"):
        shutil.rmtree(found[name])
    begun: list[int] = []

    def stopping() -> bool:
        begun.append((found["en"] / "record.json").is_file())
        return bool(begun[-1])

    with pytest.raises(Interrupted, match="stopped while predicting tydiqa-ko"):
        make(copy, stopping)
    assert completed(Path(copy.site.workspace), copy.goals[0]) is not None
    assert make(copy)[0].predicted == 1


# Beside other runs


@contextmanager
def another_run(path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A living process that holds a claim."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_a_stage_that_another_run_makes_is_waited_for_and_taken_over_when_that_one_dies(tmp_path) -> None:
    found = chain(tmp_path, "target=tydiqa", "languages=[en]", "compute.threads=1")
    trained = found.goals[0].model
    events: list[Event] = []
    with another_run(lock_file(tmp_path, trained)) as other:

        def report(event: Event) -> None:
            events.append(event)
            if event.phase == "wait":
                assert completed(tmp_path, trained) is None
                other.kill()
                other.wait()

        made = run_missing(missing_stages(found.goals, tmp_path), found.site, report, lambda: False)
    assert (made.trained, made.predicted) == (1, 1)
    waits = [event.message for event in events if event.phase == "wait"]
    assert waits == [f"another process is making {slug(trained)}; waiting for it"]


def test_what_another_run_has_finished_meanwhile_is_used(copy, tmp_path) -> None:
    workspace, found = tmp_path / "other", folders(copy)
    mine = chain(workspace, *CHAIN)
    todo = missing_stages(mine.goals, workspace)
    assert len(todo) == 4
    with another_run(lock_file(workspace, mine.goals[0].model.start)) as other:

        def report(event: Event) -> None:
            if event.phase == "wait":  # the other run finishes both trainings, and is gone
                for name in ("mnli", "tydiqa"):
                    shutil.copytree(found[name], workspace / "stages" / found[name].name)
                other.kill()
                other.wait()

        made = run_missing(todo, mine.site, report, lambda: False)
    assert (made.trained, made.predicted) == (0, 2)


def test_who_waits_can_be_stopped(tmp_path) -> None:
    found = chain(tmp_path, "target=tydiqa", "languages=[en]")
    asked: list[Event] = []
    with (
        another_run(lock_file(tmp_path, found.goals[0].model)),
        pytest.raises(Interrupted, match="waiting for another process"),
    ):
        run_missing(
            missing_stages(found.goals, tmp_path),
            found.site,
            asked.append,
            lambda: any(event.phase == "wait" for event in asked),
        )


# What is refused before anything is trained


def refused(found: Chain) -> str:
    """The mistake with which a chain is refused before its first training."""
    with pytest.raises(Mistake) as caught:
        make(found)
    assert not list(Path(found.site.workspace).glob("stages/*"))
    assert len(str(caught.value).splitlines()) <= 3
    return str(caught.value)


def test_validation_rows_without_answers_are_refused_where_they_should_choose_a_step(tmp_path) -> None:
    root = tmp_path / "data"
    shutil.copytree(SAMPLE_ROOT, root)
    blanked = root / "tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.en.dev.json"
    plain = json.loads(blanked.read_text(encoding="utf-8"))
    for paragraph in (paragraph for article in plain["data"] for paragraph in article["paragraphs"]):
        for question in paragraph["qas"]:
            question["answers"] = [{"answer_start": 0, "text": ""}]  # as XTREME's download leaves them
    blanked.write_text(json.dumps(plain), encoding="utf-8")
    local = ("data=local", f"data.root={root}", *QUICK[2:], "target=tydiqa", "languages=[en]")
    said = refused(chain(tmp_path / "best", "target.selection=best", quick=local))
    assert str(blanked) in said and "selection=last" in said
    made, _ = make(chain(tmp_path / "last", "target.selection=last", quick=local))
    assert (made.trained, made.predicted) == (1, 1)


def test_lengths_that_do_not_fit_are_refused(tmp_path) -> None:
    said = refused(chain(tmp_path, "target=tydiqa", "target.max_length=40", "target.max_query_length=36"))
    assert "leaves no room" in said


def test_a_run_can_be_stopped_before_its_first_training(tmp_path) -> None:
    with pytest.raises(Interrupted, match="before anything was trained"):
        make(chain(tmp_path, *CHAIN), lambda: True)


def test_stages_of_the_chain_are_of_two_kinds(workspace) -> None:
    found = chain(workspace, *CHAIN)
    assert all(isinstance(goal, Predict) and isinstance(goal.model, Train) for goal in found.goals)
