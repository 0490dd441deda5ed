"""A table says what was scored, over what, how sure it is, and what it is compared with."""

import math
import re
from dataclasses import replace
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from stilts_xl.core.recipe import Retrieval
from stilts_xl.core.score import Score
from stilts_xl.core.stage import Predict, Scratch, Train, slug
from stilts_xl.core.study import Cell, Phase
from stilts_xl.report.collect import Scored, baseline_of, paired_error, standard_error
from stilts_xl.report.render import draw, latex, markdown, plain, rows_as_csv, rows_as_json
from stilts_xl.report.tables import Table, language_table
from stilts_xl.store.runs import Run
from toys import SCRATCH, learned, recipe, rows

LANGUAGES = ("en", "fi", "sw")
SQUAD = learned("squad")
ALONE = learned("tydiqa")
CHAINED = learned("tydiqa", start=SQUAD)
TARGET = Phase("tydiqa", "tydiqa", recipe())
FIRST = Phase("squad", "squad", recipe())


def run_of(trained: Train, languages: tuple[str, ...] = LANGUAGES, **changes: object) -> Run:
    chained = isinstance(trained.start, Train)
    cell = Cell(
        model=SCRATCH,
        intermediate="squad" if chained else "none",
        target="tydiqa",
        phases=(FIRST, TARGET) if chained else (TARGET,),
        languages=LANGUAGES,
        split="test",
        protocol="smoke",
    )
    goals = tuple(Predict(rows("tydiqa", "test", language), trained) for language in languages)
    return replace(Run(cell, goals, {}, "local", 0), **changes)


def scored(run: Run, f1: dict[str, float], **changes: object) -> Scored:
    """A run with these F1 values, an exact match of 10 and 400 items everywhere."""
    values = [
        (language, metric, f1[language] if metric == "f1" else 10.0)
        for language in f1
        for metric in ("f1", "exact_match")
    ]
    scores = tuple(
        Score(
            "scratch",
            run.cell.intermediate,
            "tydiqa",
            language,
            "test",
            1,
            "smoke",
            metric,
            value,
            400,
            f"tydiqa-{language}",
        )
        for language, metric, value in values
    )
    items = {(language, metric): {"a": value, "b": value} for language, metric, value in values}
    return replace(Scored(run, scores, items, {}, (), ()), **changes)


BASE = scored(run_of(ALONE), {"en": 60.0, "fi": 40.04, "sw": 20.0})
GAIN = scored(run_of(CHAINED), {"en": 62.0, "fi": 40.0, "sw": 17.0})


def test_every_number_has_its_direction_spread_and_count():
    table = language_table(BASE, None)
    assert table.columns == ("language", "F1 ↑", "EM ↑", "n")
    assert table.rows[0] == ("en", "60.0 ± 0.0", "10.0 ± 0.0", "400")
    assert table.summary == ("average", "40.0", "10.0", "1,200")
    assert "average over 3 of 3 languages · ± standard error over items" in table.footer


def test_a_gain_is_signed_and_nothing_is_not():
    table = language_table(GAIN, BASE)
    assert table.columns[-1] == "gain in F1"
    assert [row[-1] for row in table.rows] == ["+2.0 ± 0.0", "0.0 ± 0.0", "-3.0 ± 0.0"]
    assert table.summary[-1] == "-0.3"
    assert f"gain over {slug(ALONE)} (no intermediate task), ± over the same items" in table.footer


def test_an_average_is_not_compared_with_one_over_other_languages():
    part = scored(BASE.run, {"en": 60.0, "fi": 40.0}, missing=("sw",))
    table = language_table(GAIN, part)
    assert [row[-1] for row in table.rows] == ["+2.0 ± 0.0", "0.0 ± 0.0", "–"]
    assert table.summary[-1] == "–"


def test_what_is_left_out_is_named():
    run = run_of(ALONE, ("en", "fi"), absent={"sw": ("tydiqa/dev/sw.json",)}, limit=50, source="sample")
    footer = language_table(scored(run, {"en": 1.0}, unlabelled=("fi",)), None).footer
    assert footer[:2] == (
        "protocol smoke · seed 1 · test split",
        "average over 1 of 3 languages · ± standard error over items",
    )
    assert "not in the average, no file: sw (looked for tydiqa/dev/sw.json and the like)" in footer
    assert "not in the average, labels hidden by the publisher: fi (predictions are written)" in footer
    assert "limited to 50 examples a split: not comparable with other results" in footer
    assert any(line.startswith("sample data") for line in footer)
    footer = language_table(scored(run, {"en": 1.0}, missing=("fi",)), None).footer
    assert "not in the average, not predicted yet: fi" in footer


def test_both_seeds_are_told_where_they_differ():
    run = run_of(CHAINED)
    phases = (replace(FIRST, recipe=recipe(seed=7)), TARGET)
    other = replace(run, cell=replace(run.cell, phases=phases))
    assert "protocol smoke · seeds 7 → 1 · test split" in language_table(scored(other, {"en": 1.0}), None).footer


def test_a_step_chosen_on_the_scored_rows_is_told():
    chosen = replace(ALONE, validation=replace(rows("tydiqa", "test", "en"), split="validation"))
    footer = language_table(scored(run_of(chosen), {"en": 1.0}), None).footer
    assert footer[-1] == "the best step was chosen on the English rows that are scored here"


def test_a_step_chosen_on_english_is_no_matter_where_english_is_not_scored():
    """The Hub's copy has one source for all languages."""
    chosen = replace(ALONE, validation=replace(rows("tydiqa", "test", "fi"), language="en", split="validation"))
    footer = language_table(scored(run_of(chosen, ("fi",)), {"fi": 1.0}), None).footer
    assert not any("best step" in line for line in footer)


def test_a_baseline_differs_in_the_intermediate_task_alone():
    chain, base = run_of(CHAINED), run_of(ALONE)
    assert baseline_of(chain, [base]) == base
    assert baseline_of(base, [base]) is None
    assert baseline_of(chain, [chain]) is None
    assert baseline_of(chain, [replace(base, limit=5)]) is None
    assert baseline_of(chain, [run_of(ALONE, ("en",))]) is None
    reseeded = replace(base, cell=replace(base.cell, phases=(replace(TARGET, recipe=recipe(seed=2)),)))
    assert baseline_of(chain, [reseeded]) is None
    changed = replace(chain, cell=replace(chain.cell, protocol="smoke with intermediate.epochs=9.0"))
    assert baseline_of(changed, [base]) == base, "what the intermediate phase does is the question, not a difference"


@pytest.mark.parametrize(("values", "error"), [([100.0, 0.0], 50.0), ([1.0, 1.0, 1.0], 0.0), ([0.5], 0.0)])
def test_a_standard_error_is_that_of_the_mean_over_items(values: list[float], error: float):
    assert standard_error(values) == pytest.approx(error)


def test_a_standard_error_shrinks_with_the_root_of_the_items():
    few, many = ([float(number % 2) for number in range(count)] for count in (100, 10_000))
    assert standard_error(few) / standard_error(many) == pytest.approx(math.sqrt(100), rel=0.01)


def test_a_gain_s_spread_is_that_of_the_differences_item_by_item():
    ours = {("en", "f1"): {"a": 100.0, "b": 50.0, "c": 0.0, "d": 50.0}}
    theirs = {("en", "f1"): {"d": 50.0, "c": 0.0, "b": 50.0, "a": 0.0}}  # another order, the same items
    pair = (replace(GAIN, items=ours), replace(BASE, items=theirs))
    assert paired_error(*pair, "en", "f1") == pytest.approx(25.0)  # differences 100 0 0 0: deviation 50, four items


TABLE = Table(
    "mini → squad_v2 → tydiqa",
    ("language", "F1 ↑", "gain in F1"),
    (("en", "60.0 ± 12.5", "+2.0"), ("fi", "5.0 ± 1.5", "-3.0"), ("sw", "7.0 ± 0.5", "0.0")),
    ("average", "24.0", "–"),
    ("keys squad_v2-00000000 → tydiqa-11111111", "x" * 150),
)


def test_plain_text_has_every_sign_below_its_like():
    assert plain([TABLE]).splitlines() == [
        "mini → squad_v2 → tydiqa",
        "language          F1 ↑   gain in F1",
        "──────────────────────────────────────────────────",
        "en         60.0 ± 12.5         +2.0   ████████",
        "fi          5.0 ±  1.5         -3.0   ░░░░░░░░░░░░",
        "sw          7.0 ±  0.5          0.0",
        "──────────────────────────────────────────────────",
        "average    24.0                   –",
        "keys squad_v2-00000000 → tydiqa-11111111",
        "x" * 150,
    ]


def test_two_tables_are_apart():
    assert plain([TABLE, TABLE]) == plain([TABLE]) + "\n" + plain([TABLE])


def test_a_terminal_colours_gains_and_shows_the_whole_title_however_narrow(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    console = Console(file=StringIO(), force_terminal=True, width=38)
    narrow = replace(TABLE, title="xlmr_large → commonsenseqa → bucc2018 " * 2)
    draw(narrow, console)
    said = console.file.getvalue()
    assert narrow.title in said
    assert "\x1b[32m" in said.split("+2.0")[0].splitlines()[-1]
    assert "\x1b[31m" in said.split("-3.0")[0].splitlines()[-1]


@pytest.mark.parametrize("width", [30, 76, 81, 85, 88])
def test_no_number_is_cut_where_a_terminal_is_narrow(width: int):
    cells = ("de", "17.5 ± 14.4", "20.0 ± 10.1", "15.6 ± 14.0", "20.0 ± 13.6", "22,358", "-10.4 ± 10.5")
    names = ("language", "F1 ↑", "precision ↑", "recall ↑", "accuracy ↑", "n", "gain in F1")
    console = Console(file=StringIO(), force_terminal=True, no_color=True, width=width)
    draw(Table("title", names, (cells,), cells, ()), console)
    said = re.sub("\x1b\\[[0-9;]*m", "", console.file.getvalue())
    assert all(said.count(cell) == 2 for cell in cells)
    assert "…" not in said
    assert max(map(len, said.splitlines())) == {88: 88, 85: 82}.get(width, 76)


def test_markdown_is_a_table_that_github_reads():
    lines = markdown([TABLE]).splitlines()
    assert lines[:4] == [
        "### mini → squad_v2 → tydiqa",
        "",
        "| language | F1 ↑ | gain in F1 |",
        "| --- | ---: | ---: |",
    ]
    assert lines[7] == "| **average** | **24.0** | **–** |"
    assert lines[9] == "- keys squad_v2-00000000 → tydiqa-11111111"
    starred = replace(TABLE, title="a*b", footer=("looked for UD_*/af_*.conllu",))
    assert r"- looked for UD_\*/af_\*.conllu" in markdown([starred]) and r"### a\*b" in markdown([starred])


def test_latex_is_escaped_and_signs_are_mathematics():
    lines = latex([TABLE]).splitlines()
    assert r"language & F1 $\uparrow$ & gain in F1 \\" in lines
    assert r"fi & 5.0 $\pm$ 1.5 & $-3.0$ \\" in lines
    assert lines.count(r"\midrule") == 2
    assert latex([replace(TABLE, columns=("a_b", "50 %", "c & d"))]).count(r"a\_b & 50 \% & c \& d \\") == 1


def test_latex_has_a_gain_and_its_spread_in_one_formula_and_an_arrow_for_losses():
    table = replace(TABLE, columns=("language", "loss ↓", "gain"), rows=(("en", "8.040 ± 0.041", "+0.2 ± 0.1"),))
    lines = latex([table]).splitlines()
    assert r"language & loss $\downarrow$ & gain \\" in lines
    assert r"en & 8.040 $\pm$ 0.041 & $+0.2 \pm 0.1$ \\" in lines


@given(st.text(alphabet="ab _%&#${}~^\\±↑↓–+-", max_size=12))
def test_no_cell_ends_a_latex_formula_or_row_that_it_did_not_begin(cell: str):
    (written,) = (
        line for line in latex([replace(TABLE, columns=(cell, "b", "c"))]).splitlines() if line.endswith(r" & b & c \\")
    )
    bare = re.sub(r"\\[_%&#${}]|\\text\w+\{\}", "", written.removesuffix(r" & b & c \\"))
    assert bare.count("$") % 2 == 0
    assert not re.search("[%&#~±↑↓]", bare)


def test_tidy_rows_keep_every_digit():
    row = replace(BASE.scores[0], value=100 / 3)
    assert repr(100 / 3) in rows_as_csv([row])
    assert repr(100 / 3) in rows_as_json([row])


# Metrics and targets of other kinds

RETRIEVAL = Retrieval(layer=-1, pooling="mean", max_length=64, neighbours=4, precision="fp32", curve=True)


def mined(facts: dict[str, dict[str, object]], start: Train | Scratch = SCRATCH, **changes: object) -> Scored:
    """A BUCC run with F1 50 in every language."""
    data = {language: rows("bucc2018", "validation", language, kind="retrieve") for language in facts}
    goals = tuple(Predict(each, start, retrieval=RETRIEVAL, tuning=each) for each in data.values())
    cell = Cell(
        SCRATCH, "none", "bucc2018", (), tuple(facts), "validation", "toy", retrieval=RETRIEVAL, tune_on="validation"
    )
    metrics = ("f1", "precision", "recall")
    scores = tuple(
        Score(
            "scratch", "none", "bucc2018", language, "validation", None, "toy", metric, 50.0, 9, f"bucc2018-{language}"
        )
        for language in facts
        for metric in metrics
    )
    items = {(language, metric): {"a": 40.0, "b": 60.0} for language in facts for metric in metrics}
    return replace(Scored(Run(cell, goals, {}, "local", 0), scores, items, facts, (), ()), **changes)


def test_a_search_says_its_layer_its_thresholds_and_every_layer_s_score():
    curve = {str(layer): {"f1": 10.0 * layer} for layer in range(3)}
    facts = {language: {"layer": 2, "threshold": 1.05, "curve": curve} for language in ("de", "zh")}
    footer = language_table(mined(facts), None).footer
    assert "hidden states of layer 2, mean pooling" in footer
    assert "margin threshold fitted on the validation split: de 1.0500, zh 1.0500" in footer
    assert "F1 by layer: 0 0.0, 1 10.0, 2 20.0" in footer
    assert "the threshold was fitted on the rows that are scored here" in footer
    assert "nothing was trained" in footer
    assert not any("seed" in line for line in footer)


def test_a_baseline_without_the_other_layers_scores_is_a_baseline():
    chained, alone = mined({"de": {}}).run, mined({"de": {}}).run
    chained = replace(chained, cell=replace(chained.cell, intermediate="squad"))
    plain_search = replace(alone, cell=replace(alone.cell, retrieval=replace(RETRIEVAL, curve=False)))
    other_layer = replace(alone, cell=replace(alone.cell, retrieval=replace(RETRIEVAL, layer=1)))
    assert baseline_of(chained, (plain_search,)) == plain_search
    assert baseline_of(chained, (other_layer,)) is None


def test_a_loss_falls_and_a_lower_one_is_a_gain():
    def losses(found: Scored, value: float) -> Scored:
        cell = replace(found.run.cell, target="mlm", split="validation")
        scores = tuple(
            replace(row, metric=name, value=value, target="mlm")
            for row, name in zip(found.scores, ("loss", "accuracy") * 3, strict=True)
        )
        items = {(language, name): {"a": value, "b": value} for language in LANGUAGES for name in ("loss", "accuracy")}
        return replace(found, run=replace(found.run, cell=cell), scores=scores, items=items)

    table = language_table(losses(GAIN, 2.25), losses(BASE, 2.5))
    assert table.columns == ("language", "loss ↓", "accuracy ↑", "n", "gain in loss")
    assert table.rows[0] == ("en", "2.250 ± 0.000", "2.2 ± 0.0", "400", "+0.250 ± 0.000")
    assert table.summary == ("average", "2.250", "2.2", "1,200", "+0.250")


def test_a_copy_that_deviates_and_rows_that_were_changed_are_named():
    hub = replace(BASE, run=replace(BASE.run, source="hub", cell=replace(BASE.run.cell, target="udpos")))
    scores = tuple(replace(row, metric="f1") for row in BASE.scores if row.metric == "f1")
    every = tuple(replace(row, metric=name) for row in scores for name in ("f1", "precision", "recall", "accuracy"))
    items = {(row.language, row.metric): {"a": row.value, "b": row.value} for row in every}
    footer = language_table(replace(hub, scores=every, items=items), None).footer
    assert any(line.startswith("the Hub's copy deviates from the official data: treebanks") for line in footer)
    goals = tuple(replace(goal, data=replace(goal.data, variant="mangled")) for goal in BASE.run.goals)
    footer = language_table(replace(BASE, run=replace(BASE.run, goals=goals)), None).footer
    assert footer[0].endswith("rows mangled")


def test_the_baseline_of_a_search_is_the_bare_encoder():
    bare = mined({"de": {"layer": 1}}).run
    phase = Phase("squad", "squad", recipe())
    after = replace(
        bare,
        cell=replace(bare.cell, intermediate="squad", phases=(phase,)),
        goals=tuple(replace(goal, model=SQUAD) for goal in bare.goals),
    )
    assert baseline_of(after, [bare, after]) == bare
    other = replace(bare, cell=replace(bare.cell, retrieval=replace(RETRIEVAL, layer=3)))
    assert baseline_of(after, [other, after]) is None
