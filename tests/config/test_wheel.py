"""A wheel brings along all that a run needs, stays small, and installed from it stilts works far from the checkout."""

import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from sample_rows import WORLD
from stilts_xl.config.folder import config_folder, options

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGE = CHECKOUT / "src" / "stilts_xl"
LARGEST = 15_000_000
"""Bytes of a wheel."""
LARGEST_DATA = 2_000_000
"""Bytes of all that reads and makes data; some 20 kB a language."""
CHAIN = ("intermediate=squad", "target=tydiqa", "languages=[en,fi]", *WORLD, "model=mini", "protocol=sample")
QUICK = ("intermediate.max_steps=3", "target.max_steps=3", "compute=cpu", "compute.threads=1")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of the checkout, built as anybody would without a network."""
    for needed in ("hatchling", "pip"):
        if find_spec(needed) is None:
            pytest.skip(f"building a wheel needs {needed}")
    folder = tmp_path_factory.mktemp("wheel")
    build = ("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, CHECKOUT)
    done(sys.executable, "-m", "pip", *build)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def unpacked(wheel: Path) -> Path:
    """The files of the wheel."""
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(wheel.parent / "files")
    return wheel.parent / "files"


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with nothing in it but the wheel; what stilts-xl depends on is lent by the running one."""
    place = tmp_path_factory.mktemp("environment") / "venv"
    done(sys.executable, "-m", "venv", "--without-pip", place)
    python = place / "bin" / "python"
    done(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel)
    (site,) = place.glob("lib/python*/site-packages")
    lent = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (site / "lent.pth").write_text("\n".join(lent) + "\n", encoding="utf-8")
    return place / "bin"


def done(*words: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """What a program prints that ends well, without any path to this checkout in its environment."""
    around = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    around |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"} | environment
    run = subprocess.run([*map(str, words)], capture_output=True, text=True, encoding="utf-8", cwd=cwd, env=around)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def files_below(folder: Path) -> dict[str, bytes]:
    """Path -> bytes, what Python compiled left out."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_a_wheel_holds_the_package_and_every_configuration_byte_for_byte(unpacked: Path):
    found = files_below(unpacked / "stilts_xl")
    configs = {f"configs/{name}": text for name, text in files_below(config_folder()).items()}
    assert found == files_below(PACKAGE) | configs
    assert {"configs/run.yaml", "configs/data/sample.yaml", "data/tokenizer/tokenizer.json"} <= found.keys()
    assert {f"data/world/{name}.yaml" for name in ("english", "languages/en", "languages/sw")} <= found.keys()
    assert {"configs/model/mini.yaml", "model/mini/model.safetensors", "model/mini/README.md"} <= found.keys()
    assert {path.name.partition("-")[0] for path in unpacked.iterdir()} == {"stilts_xl"}


def test_a_wheel_is_small_and_holds_no_rows(wheel: Path, unpacked: Path):
    assert wheel.stat().st_size < LARGEST
    data = files_below(unpacked / "stilts_xl" / "data")
    rows = {name for name in data if name.endswith((".json", ".jsonl", ".tsv", ".csv", ".txt"))}
    assert rows == {"tokenizer/tokenizer.json", "tokenizer/tokenizer_config.json"}
    assert sum(map(len, data.values())) < LARGEST_DATA


def test_what_is_installed_is_the_wheel(installed: Path, tmp_path: Path):
    where = done(installed / "python", "-c", "import stilts_xl; print(stilts_xl.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)
    assert done(installed / "stilts", "--version", cwd=tmp_path).startswith("stilts-xl ")
    assert "tydiqa" in done(installed / "stilts", "ls", "tasks", cwd=tmp_path)
    asked = {"_STILTS_COMPLETE": "complete_bash", "COMP_WORDS": "stilts\nrun\nmodel\n=", "COMP_CWORD": "3"}
    assert done(installed / "stilts", cwd=tmp_path, **asked).split() == options("model")


def test_an_empty_folder_and_a_wheel_are_enough_for_a_chain(installed: Path, tmp_path: Path):
    empty, home = tmp_path / "empty", tmp_path / "home"
    empty.mkdir()
    home.mkdir()
    environment = {"HOME": str(home), "STILTS_CACHE": str(home / "cache"), "HF_HUB_OFFLINE": "1"}
    environment["STILTS_WORKSPACE"] = "outputs"
    words = (installed / "stilts", "run", *CHAIN, *QUICK)
    first = done(*words, cwd=empty, **environment)
    assert first.startswith("✓ 2 trained, 2 predicted, 0 here before\n\nmini → squad → tydiqa\n")
    again = done(*words, cwd=empty, **environment)
    assert again.startswith("✓ 4 stages here, nothing to do\n")
    assert again.split("\n\n", 1)[1] == first.split("\n\n", 1)[1]
    assert [path.name for path in empty.iterdir()] == ["outputs"]
