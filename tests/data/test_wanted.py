"""Which files a run reads: each once, and needed where anything needs it."""

from stilts_xl.config.build import build_request
from stilts_xl.config.compose import compose_run
from stilts_xl.data.wanted import splits_of_request, splits_of_tasks
from stilts_xl.tasks.catalog import task_named


def test_rows_that_choose_the_step_and_are_scored_too_are_wanted_once_and_needed():
    asked = ["target=tydiqa", "protocol=phang2020", "data=sample", "languages=[en,fi]"]
    wanted = splits_of_request(build_request(compose_run(asked), "outputs", 0, offline=True))
    assert wanted == (
        ("tydiqa", "train", "en", True),
        ("tydiqa", "validation", "en", True),
        ("tydiqa", "validation", "fi", False),
    )


def test_every_split_of_every_task_is_listed_once_and_none_is_needed():
    wanted = splits_of_tasks()
    assert len(set(wanted)) == len(wanted)
    assert not any(needed for *_, needed in wanted)


def test_a_task_of_parts_is_listed_by_its_parts():
    tasks = {task for task, *_ in splits_of_tasks()}
    assert "anli_plus" not in tasks
    assert set(task_named("anli_plus").parts) <= tasks


def test_running_text_trains_in_every_language_and_other_tasks_in_english():
    wanted = {(task, split): [] for task, split, *_ in splits_of_tasks()}
    for task, split, language, _ in splits_of_tasks():
        wanted[task, split].append(language)
    assert wanted["mlm", "train"] == list(task_named("mlm").languages)
    assert wanted["udpos", "train"] == ["en"]


def test_a_search_has_no_training_rows_and_fits_its_threshold_in_each_of_its_languages():
    wanted = {(split, language) for task, split, language, _ in splits_of_tasks() if task == "bucc2018"}
    assert wanted == {(split, language) for split in ("validation", "test") for language in ("de", "fr", "ru", "zh")}
    assert not [split for task, split, *_ in splits_of_tasks() if task == "tatoeba" and split != "test"]


def test_a_mixture_s_parts_and_a_threshold_s_rows_are_wanted():
    def wanted(*asked: str) -> tuple[tuple[str, str, str, bool], ...]:
        return splits_of_request(build_request(compose_run([*asked, "data=sample"]), "outputs", 0, offline=True))

    assert wanted("intermediate=anli_plus", "target=bucc2018", "protocol=phang2020", "languages=[zh]") == (
        *((task, "train", "en", True) for task in ("anli", "mnli", "snli")),
        *((task, "validation", "en", True) for task in ("anli", "mnli", "snli")),
        ("bucc2018", "validation", "zh", False),
    )
    mining = wanted("target=bucc2018", "protocol=xtreme", "languages=[zh]")
    assert mining == (("bucc2018", "validation", "zh", False), ("bucc2018", "test", "zh", False))
    text = wanted("target=mlm", "protocol=smoke", "languages=[en]", "target.train_languages=[en,de]")
    assert set(text) == {
        ("mlm", "train", "en", False),
        ("mlm", "train", "de", False),
        ("mlm", "validation", "en", False),
    }
