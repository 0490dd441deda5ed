"""A chain from the command line to its table, and what the other verbs say of the workspace it leaves."""

import csv
import io
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from calling import NO_DATA, TINY, Said, call
from sample_rows import ROWS, SAMPLE_ROOT
from stilts_xl.store.files import file_digest
from stilts_xl.tasks.languages import TYDIQA, XNLI

CHAIN = ("intermediate=squad", "target=tydiqa", *TINY)


@dataclass(frozen=True)
class Space:
    """A workspace in which two chains were run, and what they said."""

    path: Path
    baseline: Said
    chain: Said


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Space:
    path = tmp_path_factory.mktemp("grün (ñ) 语") / "my work"
    baseline = call("run", "intermediate=none", "target=tydiqa", *TINY, "-w", path)
    return Space(path, baseline, call("run", *CHAIN, "-w", path))


def rows_of(said: Said) -> dict[str, list[str]]:
    """First cell of a table's row -> the other cells, split at wide gaps; the last table's where there are several."""
    cells = [re.split(r" {2,}", re.sub("± +", "± ", line.strip())) for line in said.out.splitlines()]
    return {first: rest for first, *rest in cells if rest}


def scores(space: Space) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(call("report", "-f", "csv", "-w", space.path).out)))


def stage(workspace: Path, said: Said, place: int) -> Path:
    """The folder of a training that a table's footer names."""
    (keys,) = [line.removeprefix("keys ").split(" → ") for line in said.out.splitlines() if line.startswith("keys ")]
    return workspace / "stages" / keys[place]


def test_a_run_says_what_it_did_and_prints_a_row_for_each_language(space: Space):
    assert (space.baseline.code, space.chain.code) == (0, 0)
    assert space.baseline.out.startswith("✓ 1 trained, 9 predicted, 0 here before\n\nscratch → tydiqa\n")
    assert space.chain.out.startswith("✓ 2 trained, 9 predicted, 0 here before\n\nscratch → squad → tydiqa\n")
    rows = rows_of(space.chain)
    assert [name for name in rows if name in TYDIQA] == list(TYDIQA)
    assert rows["language"] == ["F1 ↑", "EM ↑", "n", "gain in F1"]
    assert all(re.fullmatch(r"\d+\.\d ± \d+\.\d", cell) for name in TYDIQA for cell in rows[name][:2])
    assert rows["average"][2] == "72"


def test_progress_is_on_stderr_and_numbers_no_more_stages_than_there_are(space: Space):
    lines = space.chain.err.splitlines()
    assert lines[0].startswith("✓ data  11 splits")
    assert len(lines) == 1 + 11
    assert re.fullmatch(r"✓ squad-[0-9a-f]{8}  6 steps  \S+  loss \d\.\d\d", lines[1])
    assert re.fullmatch(r"✓ tydiqa-te-[0-9a-f]{8}  8 sequences  \S+", lines[-1])


def test_the_footer_says_where_the_numbers_come_from(space: Space):
    for part in ("protocol smoke · seed 1 · test split", "average over 9 of 9 languages", "± standard error"):
        assert part in space.chain.out
    trained = [path.name for path in (stage(space.path, space.chain, place) for place in (0, 1))]
    assert f"\nkeys {' → '.join(trained)}\n" in space.chain.out
    assert f"gain over {stage(space.path, space.baseline, 0).name} (no intermediate task)" in space.chain.out
    assert "sample data" not in space.chain.out, "a folder of official files is what it is"
    assert "gain" not in space.baseline.out


def test_average_and_gain_are_those_of_the_tidy_rows(space: Space):
    f1 = {(row["intermediate"], row["language"]): float(row["value"]) for row in scores(space) if row["metric"] == "f1"}
    mean = {name: sum(f1[name, language] for language in TYDIQA) / 9 for name in ("none", "squad")}
    rows = rows_of(space.chain)
    assert rows["average"][0] == f"{mean['squad']:.1f}"
    assert float(rows["average"][3]) == pytest.approx(mean["squad"] - mean["none"], abs=0.051)
    for language in TYDIQA:
        assert rows[language][0].startswith(f"{f1['squad', language]:.1f} ±")
        assert float(rows[language][3].split(" ± ")[0]) == pytest.approx(
            f1["squad", language] - f1["none", language], abs=0.051
        )


def test_the_formats_of_a_report_hold_the_same_numbers(space: Space):
    rows = scores(space)
    assert len(rows) == 2 * 9 * 2
    assert {row["protocol"] for row in rows} == {"smoke"}
    plain = json.loads(call("report", "-f", "json", "-w", space.path).out)
    assert [{name: str(value) for name, value in row.items()} for row in plain] == rows
    table = rows_of(space.chain)
    markdown = call("report", "-f", "markdown", "--target", "tydiqa", "-w", space.path).out
    cells = [line.strip("| ").split(" | ") for line in markdown.split("### ")[2].splitlines() if line.startswith("| ")]
    assert [len(line) for line in cells] == [5] * 12
    assert {first: [re.sub(" +", " ", cell) for cell in rest] for first, *rest in cells[2:11]} == {
        name: [re.sub(" +", " ", cell) for cell in table[name]] for name in TYDIQA
    }
    latex = call("report", "-f", "latex", "-w", space.path).out
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == 2
    bodies = [line for line in latex.splitlines() if line.endswith(r"\\")]
    assert {line.count(" & ") for line in bodies} == {3, 4}
    assert not re.search(r"(?<!\\)[%_&](?! )", "".join(line.replace(" & ", "") for line in bodies))


def test_a_report_is_the_table_that_the_run_printed(space: Space):
    said = call("report", "--target", "tydi", "-w", space.path).out
    assert said == space.baseline.out.split("\n\n", 1)[1] + "\n" + space.chain.out.split("\n\n", 1)[1]
    assert all(line == line.rstrip() for line in said.splitlines())


def test_the_same_run_again_does_nothing_and_says_the_same(space: Space):
    again = call("run", *CHAIN, "-w", space.path)
    assert again.out.startswith("✓ 11 stages here, nothing to do\n\n")
    assert again.out.split("\n\n", 1)[1] == space.chain.out.split("\n\n", 1)[1]
    assert again.err == ""


def test_a_plan_shows_what_is_shared_and_fits_a_terminal(space: Space):
    said = call("plan", "target=xquad", *TINY, "-w", space.path)
    lines = said.out.splitlines()
    shared = stage(space.path, space.chain, 0).name
    assert lines[2].split() == ["✓", shared, "train", "from", "scratch,", "shared", "with", "squad", "→", "tydiqa"]
    assert [line[0] for line in lines[3:-1]] == ["●"] * 11
    assert lines[-1] == "12 stages: 1 here, 11 missing (0 to train, 11 to predict)"
    assert max(map(len, lines)) <= 80
    assert call("run", "target=xquad", *TINY, "--dry-run", "-w", space.path).out == said.out


def test_a_plan_changes_nothing(tmp_path: Path):
    for words in (("plan",), ("run", "-n")):
        assert "11 missing (2 to train, 9 to predict)" in call(*words, *CHAIN, "-w", tmp_path / "w").out
    assert not list((tmp_path / "w").glob("stages/*")) and not list((tmp_path / "w").glob("runs/*"))


def test_a_training_that_another_chain_has_done_is_not_done_again(space: Space, tmp_path: Path):
    shutil.copytree(space.path, tmp_path / "w")
    said = call("run", "intermediate=none", "target=xquad", *TINY, "-w", tmp_path / "w")
    assert said.out.startswith("✓ 0 trained, 11 predicted, 1 here before\n")


def test_a_classification_chain_shares_its_first_training_with_the_baseline(tmp_path: Path):
    chain = call("run", "intermediate=mnli", "target=xnli", *TINY, "-w", tmp_path)
    assert chain.out.startswith("✓ 2 trained, 15 predicted, 0 here before\n\nscratch → mnli → xnli\n")
    assert [name for name in rows_of(chain) if name in XNLI] == list(XNLI)
    baseline = call("run", "target=xnli", *TINY, "-w", tmp_path)
    assert baseline.out.startswith("✓ 0 trained, 15 predicted, 1 here before\n")
    again = call("run", "intermediate=mnli", "target=xnli", *TINY, "-w", tmp_path)
    assert rows_of(again)["language"] == ["accuracy ↑", "n", "gain in accuracy"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the rows without Swahili, in a folder whose name Hydra would take for syntax."""
    path = tmp_path_factory.mktemp("data") / "official (v1.1), ñandú [copy]"
    shutil.copytree(SAMPLE_ROOT, path)
    (path / "tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.sw.dev.json").unlink()
    return path


def test_an_absent_language_is_named_and_not_averaged(space: Space, root: Path, tmp_path: Path):
    shutil.copytree(space.path, tmp_path / "w")
    words = ("intermediate=squad", "target=tydiqa", *NO_DATA, "data=local", f"data.root={root}", "-w", tmp_path / "w")
    plan = call("plan", *words)
    assert "– no file for sw (looked for tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.sw.dev.json" in plan.out
    said = call("run", *words)
    assert said.out.startswith("✓ 10 stages here, nothing to do"), "the same bytes elsewhere are the same data"
    assert "average over 8 of 9 languages" in said.out
    assert "not in the average, no file: sw (looked for tydiqa/tydiqa-goldp-v1.1-dev/" in said.out
    rows = rows_of(said)
    assert "sw" not in rows
    values = [float(rows[language][0].split(" ±")[0]) for language in TYDIQA if language != "sw"]
    assert float(rows["average"][0]) == pytest.approx(sum(values) / 8, abs=0.06)
    assert "gain" not in said.out, "the baseline was averaged over other languages"
    check = call("data", "check", *words)
    assert check.code == 0
    assert "– tydiqa   test       sw  no file, looked for tydiqa/" in check.out


def test_a_check_of_good_data_counts_every_split(tmp_path: Path):
    said = call("data", "check", *CHAIN, "-w", tmp_path)
    lines = said.out.splitlines()
    assert (said.code, said.err) == (0, "")
    assert lines[1].split() == ["✓", "squad", "train", "en", "48", "examples", "squad/train-v1.1.json"]
    assert len(lines) == 1 + 11 and all(line.startswith("✓ ") for line in lines[1:])
    everything = call("data", "check", *ROWS, "-w", tmp_path)
    assert everything.code == 0
    assert {line.split()[1] for line in everything.out.splitlines()[1:]} >= {"mnli", "squad", "tydiqa", "xnli", "xquad"}


def test_why_prints_the_setting_that_was_changed_and_nothing_else(space: Space):
    said = call("why", *CHAIN, "target.learning_rate=1e-4", "-w", space.path).out.splitlines()
    assert len(said) == 3
    assert said[0].endswith(f"nearest is {stage(space.path, space.chain, 1).name}, which differs in")
    assert said[1] == "  recipe.learning_rate: 0.0001 asked, 0.0005 there"
    assert said[2] == "and 9 missing stages that stand on it"


def test_why_tells_a_chain_from_another_by_what_it_starts_with(space: Space):
    name = stage(space.path, space.baseline, 0).name
    assert call("why", name, "-w", space.path).out.splitlines() == [
        f"{name} (here): nearest is {stage(space.path, space.chain, 1).name}, which differs in",
        f"  start: scratch asked, {stage(space.path, space.chain, 0).name} there",
    ]
    assert call("why", *CHAIN, "-w", space.path).out == "every stage of this run is here\n"
    misspelt = call("why", f"{name[:-1]}x", "-w", space.path)
    assert misspelt.code == 2
    assert f"Did you mean '{name}'?" in misspelt.err


def test_a_changed_recipe_is_told_beside_the_protocol(space: Space, tmp_path: Path):
    words = ("target=tydiqa", "languages=en", *TINY, "target.max_steps=1", "target.seed=3", "-w", tmp_path)
    assert "protocol smoke with target.max_steps=1 · seed 3 · test split" in call("plan", *words).out
    assert "protocol smoke with target.max_steps=1 · seed 3 · test split" in call("run", *words).out


def test_lists_name_what_there_is(space: Space):
    assert "tydiqa" in call("ls", "tasks").out and "9 languages" in call("ls", "tasks").out
    assert "xlmr_large" in call("ls", "models").out and "phang2020" in call("ls", "protocols").out
    assert call("ls", "runs", "-w", space.path).out.splitlines() == [
        "✓ scratch → none → tydiqa   complete, test split, protocol smoke, seed 1",
        "✓ scratch → squad → tydiqa  complete, test split, protocol smoke, seed 1",
    ]
    shown = call("show", "task", "squad_v1").out
    assert shown.startswith("task              squad (SQuAD v1.1)")
    assert "CC BY-SA 4.0" in shown and "squad/train-v1.1.json" in shown


def test_the_cache_lists_every_stage_with_its_size(space: Space):
    lines = call("cache", "ls", "-w", space.path).out.splitlines()
    assert len(lines) == 3 + 18 + 1
    assert sum(" train " in line and " MB " in line for line in lines) == 3
    assert sum(" predict " in line and " kB " in line for line in lines) == 18


def test_damage_is_found_and_made_again_bit_for_bit(space: Space, tmp_path: Path):
    work = tmp_path / "w"
    shutil.copytree(space.path, work)
    assert call("cache", "verify", "-w", work).out == "21 of 21 stages verified\n"
    trained = [stage(work, space.chain, place) / "model.safetensors" for place in (0, 1)]
    before = [file_digest(path) for path in trained]
    for path in trained:
        whole = bytearray(path.read_bytes())
        whole[-7] ^= 1
        path.write_bytes(bytes(whole))
    (lost,) = [
        row["key"]
        for row in scores(space)
        if (row["intermediate"], row["language"], row["metric"]) == ("squad", "fi", "f1")
    ]
    (work / "stages" / lost / "predictions.jsonl").unlink()

    verified = call("cache", "verify", "-w", work)
    assert verified.code == 1
    for path in trained:
        assert f"✗ {path.parent.name}: model.safetensors: its bytes have changed" in verified.out
    assert f"✗ {lost}: predictions.jsonl: the file is gone" in verified.out
    assert "18 of 21 stages verified" in verified.out
    assert verified.err.startswith("error: 3 stages are damaged; the next run")

    again = call("run", *CHAIN, "-w", work)
    assert again.out.startswith("✓ 2 trained, 1 predicted, 8 here before\n")
    assert again.out.split("\n\n", 1)[1] == space.chain.out.split("\n\n", 1)[1]
    assert [file_digest(path) for path in trained] == before
    assert call("cache", "verify", "-w", work).code == 0


def test_a_limit_marks_every_result(tmp_path: Path):
    said = call("run", "target=tydiqa", "languages=[en,ar]", *TINY, "--limit", "3", "-w", tmp_path)
    assert "limited to 3 examples a split: not comparable with other results" in said.out
    assert rows_of(said)["average"][2] == "6"
    assert "limited to 3 examples" in call("report", "-w", tmp_path).out
    plan = call("plan", "target=tydiqa", "languages=[en,ar]", *TINY, "-w", tmp_path)
    assert "3 missing" in plan.out, "a limited result is never taken for a whole one"


def test_the_configuration_can_be_printed_and_is_yaml(tmp_path: Path):
    said = call("run", *CHAIN, "seed=7", "--cfg", "-w", tmp_path / "w")
    plain = yaml.safe_load(said.out)
    assert (plain["seed"], plain["target"]["task"], plain["model"]["hidden_size"]) == (7, "tydiqa", 64)
    assert not (tmp_path / "w").exists()


def test_the_workspace_is_outputs_here_or_what_the_environment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STILTS_WORKSPACE", raising=False)
    words = ("run", "target=mnli", *TINY)
    assert call(*words).code == 0
    assert len(list((tmp_path / "outputs/stages").iterdir())) == 2
    shutil.move(tmp_path / "outputs", tmp_path / "elsewhere")
    monkeypatch.setenv("STILTS_WORKSPACE", "elsewhere")
    assert "✓ 2 stages here, nothing to do" in call(*words).out
    assert call(*words, "--workspace", "third").out.startswith("✓ 1 trained")
    assert not (tmp_path / "outputs").exists()
