"""A large grid is planned in seconds, and what is shared on the way changes nothing of what comes out."""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sample_rows import ROWS, SAMPLE_ROOT
from stilts_xl.config.build import build_request
from stilts_xl.config.sweep import expand
from stilts_xl.core.errors import Mistake
from stilts_xl.core.identity import canonical, dump
from stilts_xl.core.recipe import Retrieval
from stilts_xl.core.request import Request
from stilts_xl.core.stage import Data, Mixture, Model, Predict, Pretrained, Scratch, Stage, Train, key, trainings
from stilts_xl.core.study import stages
from stilts_xl.run.estimate import estimate, expected
from stilts_xl.run.grid import grid_stages, resolve_all
from stilts_xl.run.plan import plan
from stilts_xl.run.resolve import Chain, resolve
from stilts_xl.store.digests import remembering
from stilts_xl.store.record import NAME, read_record, read_sizes, write_record
from stilts_xl.store.store import completed, is_complete, stage_folder
from toys import SCRATCH, learned, recipe, rows

INTERMEDIATES = "none,anli_plus,mnli,qqp,squad,squad_v2,hellaswag,ccg,cosmosqa,commonsenseqa"
TARGETS = "xnli,pawsx,udpos,panx,xquad,mlqa,tydiqa,bucc2018,tatoeba"
PAPER = (f"intermediate={INTERMEDIATES}", f"target={TARGETS}", "model=scratch", *ROWS)
"""The paper's grid: 90 cells a seed."""
SMALL = ("intermediate=none,squad", "target=xquad,tydiqa,tatoeba", "seed=1,2", "model=scratch", *ROWS)


def requests(workspace: Path, *overrides: str, limit: int = 0) -> list[Request]:
    return [build_request(point.composed, str(workspace), limit, True) for point in expand(list(overrides))]


def goals_of(chains: Sequence[Chain]) -> tuple[Predict, ...]:
    return tuple(goal for chain in chains for goal in chain.goals)


def planned(workspace: Path, *overrides: str) -> tuple[tuple[Stage, ...], float]:
    """The stages of a grid, planned from its words, and the processor's seconds that it took."""
    began = time.process_time()
    chains, lacking = resolve_all(requests(workspace, *overrides))
    assert not lacking
    found = grid_stages(chains)
    assert [step.stage for step in plan(goals_of(chains), workspace)] == list(found)
    return found, time.process_time() - began


def make(workspace: Path, stage: Stage, seconds: float = 1.0) -> Path:
    """A stage's artifact with invented files and a true record."""
    folder = stage_folder(workspace, stage)
    folder.mkdir(parents=True)
    name = "model.safetensors" if isinstance(stage, Train) else "predictions.jsonl"
    (folder / name).write_text(f"{key(stage)}\n")
    write_record(folder, stage, [name], {"seconds": seconds, "said": '\n "files": {"\\n "key": '}, {})
    return folder


# As fast as it should be


@pytest.mark.parametrize("protocol", ["smoke", "phang2020"])
def test_thirteen_hundred_cells_are_planned_in_seconds_and_a_cell_costs_what_it_costs_in_a_small_grid(
    protocol: str, tmp_path: Path
) -> None:
    few, short = planned(tmp_path, *PAPER, f"protocol={protocol}", "seed=1")
    many, long = planned(tmp_path, *PAPER, f"protocol={protocol}", "seed=1,2,3,4,5", "model.hidden_size=32,48,64")
    assert len(many) > 10 * len(few)
    assert long < 6
    assert long / 1350 < 2 * short / 90


def test_a_workspace_that_holds_the_whole_grid_is_planned_as_fast(tmp_path: Path) -> None:
    found, absent = planned(tmp_path, *PAPER, "protocol=smoke", "seed=1")
    for stage in found:
        make(tmp_path, stage)
    again, present = planned(tmp_path, *PAPER, "protocol=smoke", "seed=1")
    assert again == found
    assert present < absent + 0.0003 * len(found)


# Looked up together, and one by one


@settings(max_examples=5)
@given(
    intermediates=st.lists(st.sampled_from(["none", "squad", "anli_plus"]), min_size=1, max_size=3, unique=True),
    targets=st.lists(st.sampled_from(TARGETS.split(",")), min_size=1, max_size=3, unique=True),
    protocol=st.sampled_from(["smoke", "xtreme", "phang2020"]),
    limit=st.sampled_from([0, 2]),
)
def test_requests_that_are_resolved_together_are_what_each_of_them_is_alone(
    tmp_path_factory: pytest.TempPathFactory, intermediates: list[str], targets: list[str], protocol: str, limit: int
) -> None:
    words = (f"intermediate={','.join(intermediates)}", f"target={','.join(targets)}", f"protocol={protocol}")
    asked = requests(
        tmp_path_factory.mktemp("workspace"), *words, "model=scratch", "model.layers=1,2", *ROWS, limit=limit
    )
    together, lacking = resolve_all(asked)
    assert lacking == []
    assert together == [resolve(request) for request in asked]


def test_what_differs_between_requests_is_kept_apart(tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(SAMPLE_ROOT, root)
    shutil.rmtree(root / "tydiqa")
    words = ("target=pawsx", "model=scratch", "seed=1")
    asked = [
        *requests(tmp_path, *words, "protocol=xtreme,phang2020", *ROWS),
        *requests(tmp_path, *words, "protocol=smoke", *ROWS, limit=3),
        *requests(tmp_path / "other", *words, "protocol=smoke", "data=local", f"data.root={root}"),
        *requests(tmp_path, "target=tydiqa", *words[1:], "protocol=smoke", *ROWS),
        *requests(tmp_path, "target=tydiqa", *words[1:], "protocol=smoke", "data=local", f"data.root={root}"),
    ]
    chains, lacking = resolve_all(asked)
    assert chains == [resolve(request) for request in asked[:-1]]
    assert [chain.goals[0].data.variant for chain in chains] == ["mangled", "", "", "", ""]
    assert [chain.goals[0].data.limit for chain in chains] == [0, 0, 3, 0, 0]
    with pytest.raises(Mistake, match="no train data of tydiqa") as alone:
        resolve(asked[-1])
    assert lacking == [str(alone.value)]


def test_why_a_cell_cannot_be_made_is_said_once_for_all_of_them(tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(SAMPLE_ROOT, root)
    shutil.rmtree(root / "tydiqa")
    local = ("data=local", f"data.root={root}", "model=scratch", "protocol=smoke")
    chains, lacking = resolve_all(requests(tmp_path, "target=tydiqa,xquad", "seed=1,2,3", *local))
    assert [chain.cell.target for chain in chains] == ["xquad"] * 3
    assert len(lacking) == 1


def test_a_file_that_changes_between_two_calls_is_read_again(tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(SAMPLE_ROOT, root)
    words = ("target=xquad", "seed=1,2", "data=local", f"data.root={root}", "model=scratch", "protocol=smoke")

    def sources() -> dict[str, str]:
        chains, _ = resolve_all(requests(tmp_path, *words))
        assert chains[0].goals[0].data == chains[1].goals[0].data
        return {goal.data.language: goal.data.source for goal in chains[0].goals}

    before = sources()
    path = next(root.glob("**/xquad.de.json"))
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text} ", encoding="utf-8")
    changed = sources()
    assert {language for language in before if before[language] != changed[language]} == {"de"}
    path.unlink()
    assert before.keys() - sources().keys() == {"de"}
    path.write_text(text, encoding="utf-8")
    assert sources() == before


def test_only_a_large_file_s_digest_is_written_down(tmp_path: Path) -> None:
    memory, small, large = tmp_path / "digests.json", tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"s")
    large.write_bytes(bytes(2 << 20))
    digest_of = remembering(memory)
    assert digest_of(small) != digest_of(large)
    assert list(json.loads(memory.read_text(encoding="utf-8"))) == [str(large.resolve()), str(small.resolve())]
    memory.unlink()
    assert remembering(memory)(small) == digest_of(small)
    assert not memory.exists()
    before = digest_of(large)
    large.write_bytes(bytes(2 << 20) + b"more")
    assert remembering(memory)(large) == digest_of(large) != before


# The texts under the keys

DATA = st.builds(
    Data,
    task=st.sampled_from(["squad", "tâche"]),
    kind=st.just("span"),
    revision=st.integers(1, 2),
    split=st.sampled_from(["train", 'a "quoted"\nsplit']),
    language=st.sampled_from(["en", "中"]),
    source=st.just("sha256:0"),
    limit=st.integers(0, 1),
    variant=st.sampled_from(["", "mangled"]),
)
MODELS = st.sampled_from([SCRATCH, replace(SCRATCH, name="other"), Pretrained("hub:a@b", "one")])
RECIPES = st.builds(recipe, seed=st.integers(0, 1), alpha=st.sampled_from([1.0, 0.3]), weight_decay=st.sampled_from([0.0, -0.0]))  # fmt: skip
TRAININGS = st.recursive(
    MODELS,
    lambda below: st.builds(
        Train,
        DATA | st.builds(Mixture, st.just("mlm"), st.just("mlm"), st.tuples(DATA, DATA)),
        st.none() | DATA,
        below,
        RECIPES,
        st.integers(1, 2),
    ),
    max_leaves=3,
)
RETRIEVAL = Retrieval(layer=1, pooling="mean", max_length=32, neighbours=4, precision="fp32", curve=False)
PREDICTIONS = st.builds(Predict, DATA, TRAININGS, st.integers(1, 2), st.none() | st.just(RETRIEVAL), st.none() | DATA)


def slowly(value: Any) -> str:
    """Canonical JSON as it is defined: the whole value at once."""
    return json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@settings(max_examples=200)
@given(TRAININGS | PREDICTIONS)
def test_a_text_that_is_put_together_from_its_parts_is_the_text_of_the_whole(value: Stage | Model) -> None:
    assert dump(value) == slowly(value)
    assert dump(value) == slowly(value), "and so the second time"


@settings(max_examples=200)
@given(PREDICTIONS, PREDICTIONS)
def test_stages_are_equal_where_their_fields_are(one: Predict, other: Predict) -> None:
    def parts(stage: Stage | Model | None) -> Any:
        if isinstance(stage, Train):
            return ("Train", stage.data, stage.validation, parts(stage.start), stage.recipe, stage.revision)
        if isinstance(stage, Predict):
            return ("Predict", stage.data, parts(stage.model), stage.revision, stage.retrieval, stage.tuning)
        return stage

    assert (one == other) == (parts(one) == parts(other)) == (len({one, other}) == 1)
    copy = replace(one)
    assert copy == one and hash(copy) == hash(one)
    assert one != one.model and one != key(one)


def test_another_value_made_from_a_stage_has_a_key_of_its_own() -> None:
    one = learned()
    assert key(one) == key(replace(one)) != key(replace(one, revision=2))
    longer = replace(one.data, limit=5)
    assert dump(longer) == slowly(longer) != dump(one.data)


def test_every_key_of_the_paper_s_grid_is_that_of_its_whole_text(tmp_path: Path) -> None:
    chains, _ = resolve_all(requests(tmp_path, *PAPER, "protocol=phang2020"))
    for stage in grid_stages(chains):
        assert dump(stage) == slowly(stage)


# What is here


@settings(max_examples=10)
@given(st.data())
def test_a_plan_says_of_every_stage_what_its_record_says(
    tmp_path_factory: pytest.TempPathFactory, draw: st.DataObject
) -> None:
    workspace = tmp_path_factory.mktemp("workspace")
    chains, _ = resolve_all(requests(workspace, *SMALL, "protocol=smoke", "languages=[ar]"))
    every = stages(goals_of(chains))
    made = draw.draw(st.sets(st.sampled_from(every)))
    for stage in made:
        make(workspace, stage)
    needed = {above for goal in every if isinstance(goal, Predict) and goal not in made for above in (goal, *_lacking(goal, made))}  # fmt: skip
    for step in plan(goals_of(chains), workspace):
        here = completed(workspace, step.stage) is not None
        assert here == (step.stage in made) == is_complete(workspace, step.stage)
        assert step.state == ("missing" if step.stage in needed else "here" if here else "unneeded")


def _lacking(goal: Predict, made: set[Stage]) -> list[Train]:
    """What must be trained for a goal: the trainings above the last one that is here."""
    found: list[Train] = []
    for training in reversed(trainings(goal)):
        if training in made:
            break
        found.append(training)
    return found


def test_a_file_that_goes_between_two_plans_is_missed(tmp_path: Path) -> None:
    goal = Predict(rows("tydiqa", "test", "te"), learned("tydiqa"))
    for stage in (goal.model, goal):
        make(tmp_path, stage)
    assert [step.state for step in plan((goal,), tmp_path)] == ["here", "here"]
    (stage_folder(tmp_path, goal) / "predictions.jsonl").unlink()
    assert [step.state for step in plan((goal,), tmp_path)] == ["here", "missing"]


LAYOUTS = {
    "as written": lambda plain: json.dumps(plain, indent=1, ensure_ascii=False),
    "in one line": json.dumps,
    "wider": lambda plain: json.dumps(plain, indent=4),
    "the other way round": lambda plain: json.dumps(dict(reversed(plain.items())), indent=1),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_sizes_of_a_record_are_read_from_any_layout(layout: str, tmp_path: Path) -> None:
    stage = learned()
    folder = make(tmp_path, stage)
    plain = json.loads((folder / NAME).read_text(encoding="utf-8"))
    (folder / NAME).write_text(LAYOUTS[layout](plain), encoding="utf-8")
    record = read_record(folder)
    assert record is not None
    assert read_sizes(folder) == (key(stage), {"model.safetensors": 65})
    assert read_sizes(folder) == (record.key, {name: kept.bytes for name, kept in record.files.items()})
    assert is_complete(tmp_path, stage)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{\n "key": "x"\n}', '{\n "key": 1,\n "files": 2\n}', '{\n "files": {"a": {}},\n "key": ""\n}'],
)
def test_a_broken_record_has_no_sizes(text: str, tmp_path: Path) -> None:
    folder = make(tmp_path, learned())
    (folder / NAME).write_text(text, encoding="utf-8")
    assert read_sizes(folder) is None
    assert not is_complete(tmp_path, learned())


def test_the_record_of_another_stage_under_the_same_name_is_not_this_one_s(tmp_path: Path) -> None:
    one, other = learned(), learned("tydiqa")
    make(tmp_path, one).rename(stage_folder(tmp_path, other))
    assert not is_complete(tmp_path, other) and not is_complete(tmp_path, one)


# What the rest will cost


def test_a_stage_is_expected_to_take_what_the_finished_ones_of_its_sort_took(tmp_path: Path) -> None:
    for seed, seconds in ((1, 10.0), (2, 20.0)):
        make(tmp_path, learned(seed=seed), seconds)
    make(tmp_path, Predict(rows("squad", "validation"), learned(seed=1)), 3.0)
    mean = expected(tmp_path)
    assert mean(learned(seed=3)) == 15.0
    assert mean(Predict(rows("squad", "validation", "de"), learned(seed=3))) == 3.0
    other: Scratch = replace(SCRATCH, hidden_size=64)
    unlike = [learned("mnli"), learned(start=other), learned(max_steps=5), Train(replace(rows("squad"), limit=2), None, SCRATCH, recipe())]  # fmt: skip
    assert [mean(stage) for stage in unlike] == [None] * 4
    cost = estimate([learned(seed=3), learned(seed=4), *unlike], tmp_path)
    assert (cost.seconds, cost.bytes, cost.unknown) == (30.0, 130, 4)


def test_of_an_empty_workspace_nothing_is_expected(tmp_path: Path) -> None:
    assert expected(tmp_path)(learned()) is None
    assert estimate([learned()], tmp_path).unknown == 1
    assert estimate([], tmp_path).seconds == 0
