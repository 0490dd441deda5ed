"""What is installed from a wheel has the configuration and the sample, and runs without the checkout."""

import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from stilts_xl.config.compose import config_folder
from stilts_xl.data.sources import SAMPLE_ROOT

CHECKOUT = Path(__file__).resolve().parents[2]


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


def test_a_wheel_holds_every_configuration_and_the_whole_sample(installed: Path):
    assert files_below(installed / "stilts_xl" / "configs") == files_below(config_folder())
    assert files_below(installed / "stilts_xl" / "data" / "sample") == files_below(SAMPLE_ROOT)
    assert (installed / "stilts_xl" / "py.typed").is_file() == (CHECKOUT / "src/stilts_xl/py.typed").is_file()
    assert not list(installed.glob("tests"))


def test_what_a_wheel_installs_plans_a_chain(installed: Path, tmp_path: Path):
    code = "import stilts_xl, sys; print(stilts_xl.__file__); from stilts_xl.cli.app import main; main()"
    words = ["plan", "intermediate=squad", "target=tydiqa", "data=sample", "model=scratch", "protocol=smoke"]
    environment = os.environ | {"PYTHONPATH": str(installed), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-c", code, *words]
    run = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=tmp_path, env=environment)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[0] == str(installed / "stilts_xl" / "__init__.py")
    assert run.stdout.splitlines()[-1] == "11 stages: 0 here, 11 missing (2 to train, 9 to predict)"
