"""What is installed from a wheel has the configuration and what sample data are made from, and runs without the checkout."""

import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from sample_rows import WORLD
from stilts_xl.config.folder import config_folder

CHECKOUT = Path(__file__).resolve().parents[2]
WORLD_FILES = Path("stilts_xl") / "data" / "world"
LARGEST = 2_000_000
"""Bytes of all that reads and makes data; some 20 kB a language."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a wheel, unpacked as pip does."""
    if find_spec("hatchling") is None:
        pytest.skip("building a wheel needs hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    build = "import hatchling.build, os, sys\nos.chdir(sys.argv[1])\nprint(hatchling.build.build_wheel(sys.argv[2]))\n"
    run = subprocess.run([sys.executable, "-c", build, CHECKOUT, folder], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "site")
    return folder / "site"


def files_below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_wheel_holds_every_configuration_and_every_language_of_the_sample_data(installed: Path):
    assert files_below(installed / "stilts_xl" / "configs") == files_below(config_folder())
    world = files_below(CHECKOUT / "src" / WORLD_FILES)
    assert files_below(installed / WORLD_FILES) == {name: text for name, text in world.items() if ".pyc" not in name}
    assert {"english.yaml", "languages/en.yaml", "languages/sw.yaml"} <= world.keys()
    assert (installed / "stilts_xl" / "py.typed").is_file() == (CHECKOUT / "src/stilts_xl/py.typed").is_file()
    assert not list(installed.glob("tests"))


def test_a_wheel_holds_no_rows_and_little_to_make_them_from(installed: Path):
    data = files_below(installed / "stilts_xl" / "data")
    rows = {name for name in data if name.endswith((".json", ".jsonl", ".tsv", ".csv", ".txt"))}
    assert rows == {"tokenizer/tokenizer.json", "tokenizer/tokenizer_config.json"}
    assert sum(map(len, data.values())) < LARGEST


def test_what_a_wheel_installs_plans_a_chain(installed: Path, tmp_path: Path):
    code = "import stilts_xl, sys; print(stilts_xl.__file__); from stilts_xl.cli.app import main; main()"
    words = ["plan", "intermediate=squad", "target=tydiqa", *WORLD, "model=scratch", "protocol=smoke"]
    environment = os.environ | {"PYTHONPATH": str(installed), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-c", code, *words]
    run = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=tmp_path, env=environment)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[0] == str(installed / "stilts_xl" / "__init__.py")
    assert run.stdout.splitlines()[-1] == "11 stages: 0 here, 11 missing (2 to train, 9 to predict)"
