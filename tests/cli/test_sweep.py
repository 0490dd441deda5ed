"""stilts sweep: shared stages are made once, what is here is used, what fails stops only what stands on it."""

import re
import shutil
from pathlib import Path

import pytest

from calling import NO_DATA, TINY, call
from sample_rows import ROWS, SAMPLE_ROOT

BRIEF = ("study=smoke", "target=tydiqa,xquad", "compute.workers=0")
"""In this process: its tests need not wait for another to import torch."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Path:
    """A grid of four cells, made."""
    made = tmp_path_factory.mktemp("sweep")
    said = call("sweep", *BRIEF, *ROWS, *NO_DATA[2:], "-w", made)
    assert said.code == 0, said.err
    assert "4 cells: 4 trainings (6 one by one), 40 predictions" in said.out
    assert "✓ 4 trained, 40 predicted" in said.out
    return made


def again(workspace: Path, *words: str):
    return call("sweep", *words, *ROWS, *NO_DATA[2:], "-w", workspace)


def without_social_iqa(root: Path) -> tuple[str, ...]:
    """Two cells, and a copy of the rows that lacks what one of them needs."""
    shutil.copytree(SAMPLE_ROOT, root)
    shutil.rmtree(root / "siqa")
    cells = ("intermediate=none,social_iqa", "target=xquad", "languages=en", "compute.workers=0")
    return (*cells, "data=local", f"data.root={root}", *NO_DATA)


def test_the_table_has_a_row_an_intermediate_task_and_a_column_a_target(workspace: Path) -> None:
    lines = again(workspace, *BRIEF).out.splitlines()
    head = next(line for line in lines if line.startswith("intermediate"))
    assert head.split() == ["intermediate", "tydiqa", "↑", "xquad", "↑"]
    assert [line.split()[0] for line in lines if line.startswith(("none ", "squad "))] == ["none", "squad", "squad"]
    assert any("gain over no intermediate task" in line for line in lines)


def test_a_second_sweep_makes_nothing(workspace: Path) -> None:
    said = again(workspace, *BRIEF)
    assert said.code == 0
    assert "44 of 44 stages here, 0 to train, 0 to predict" in said.out
    assert "trained" not in said.out.replace("to train", "")


def test_a_sweep_and_single_runs_make_the_same_stages(workspace: Path) -> None:
    said = call("run", "intermediate=squad", "target=xquad", *TINY, "-w", workspace)
    assert "stages here, nothing to do" in said.out


def test_one_more_axis_value_makes_only_what_is_new(workspace: Path, tmp_path: Path) -> None:
    shutil.copytree(workspace, tmp_path / "copy")
    said = again(tmp_path / "copy", *BRIEF, "intermediate=none,squad,copa")
    assert "44 of 67 stages here, 3 to train, 20 to predict" in said.out
    assert "✓ 3 trained, 20 predicted" in said.out


def test_a_dry_run_only_tells(tmp_path: Path) -> None:
    said = again(tmp_path, *BRIEF, "--dry-run")
    assert "0 of 44 stages here, 4 to train, 40 to predict" in said.out
    assert not (tmp_path / "stages").exists()


def test_cells_without_data_stop_a_sweep_unless_the_others_are_wanted(tmp_path: Path) -> None:
    grid = without_social_iqa(tmp_path / "root")
    said = call("sweep", *grid, "-w", tmp_path / "w")
    assert said.code == 2
    assert "1 of 2 cells lack their data or model" in said.err
    assert "no train data of social_iqa" in said.err
    assert not (tmp_path / "w" / "stages").exists()
    said = call("sweep", *grid, "--partial", "-w", tmp_path / "w")
    assert said.code == 0
    assert "1 cell: " in said.out


def test_a_failed_stage_stops_only_what_stands_on_it(tmp_path: Path) -> None:
    grid = ("intermediate=none,copa", "target=xquad,xnli", "languages=en", "compute.workers=0", *TINY)
    diverges = "intermediate.learning_rate=1e18"
    said = call(
        "sweep", *grid, diverges, "intermediate.max_grad_norm=0", "intermediate.warmup_fraction=0", "-w", tmp_path
    )
    assert said.code == 1
    assert "✓ 2 trained, 2 predicted" in said.out
    assert "✗ copa-" in said.err and "the loss is" in said.err
    assert "blocks 4 stages of 2 cells; log: " in said.err
    log = next(tmp_path.glob("logs/copa-*.log"))
    assert str(log) in said.err and "failed: copa-" in log.read_text(encoding="utf-8")
    assert "Try only what failed again with: stilts sweep" in said.err


def test_a_plan_of_a_grid_counts_what_is_shared_and_what_it_will_cost(workspace: Path, tmp_path: Path) -> None:
    said = call("plan", *BRIEF, "intermediate=none,squad,copa", *ROWS, *NO_DATA[2:], "-w", workspace)
    assert said.code == 0
    assert "6 cells: 7 trainings (10 one by one), 60 predictions" in said.out
    assert re.search(r"^squad-\w{8} is shared by 3 cells: none → xquad, squad → tydiqa, squad → xquad$", said.out, re.M)
    assert "44 of 67 stages here, 3 to train, 20 to predict" in said.out
    assert "one after another and" in said.out and "nothing here is like 1 of them" in said.out  # COPA
    cold = call("plan", *BRIEF, *ROWS, *NO_DATA[2:], "-w", tmp_path)
    assert "0 of 44 stages here" in cold.out and "about" not in cold.out


def test_a_plan_of_a_grid_names_what_lacks_its_data_and_plans_the_rest(tmp_path: Path) -> None:
    grid = without_social_iqa(tmp_path / "root")
    said = call("plan", *grid, "-w", tmp_path / "w")
    assert said.code == 0
    assert "no train data of social_iqa" in said.err
    assert "1 cell: " in said.out


def test_a_picture_of_the_gains_is_drawn_on_request(workspace: Path, tmp_path: Path) -> None:
    said = again(workspace, *BRIEF, "--plot", tmp_path / "new folder" / "gains.png")
    assert said.code == 0 and said.out.endswith(f"the gains are drawn in {tmp_path}/new folder/gains.png\n")
    assert (tmp_path / "new folder" / "gains.png").read_bytes().startswith(b"\x89PNG")
    said = again(workspace, *BRIEF, "--plot", "gains.bmp")
    assert said.code == 2 and "expected a file that ends in .png, .svg, .pdf" in said.err
