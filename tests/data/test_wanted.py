"""Which files a run reads: each once, and needed where anything needs it."""

from stilts_xl.config.build import build_request
from stilts_xl.config.compose import compose_run
from stilts_xl.data.wanted import splits_of_request


def test_rows_that_choose_the_step_and_are_scored_too_are_wanted_once_and_needed():
    asked = ["target=tydiqa", "protocol=phang2020", "data=sample", "languages=[en,fi]"]
    wanted = splits_of_request(build_request(compose_run(asked), "outputs", 0, offline=True))
    assert wanted == (
        ("tydiqa", "train", "en", True),
        ("tydiqa", "validation", "en", True),
        ("tydiqa", "validation", "fi", False),
    )
