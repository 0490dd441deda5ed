"""Two processes that share each batch, also one of a single sequence, learn what one process learns: every kind."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import toy_training
from safetensors.torch import load_file
from toy_training import Run, assert_close, training

import toys
from stilts_xl.kinds.catalog import KINDS

PROCESS = """
import json, os, sys
from pathlib import Path
from safetensors.torch import save_file
from toy_training import Run, training

folder = Path(sys.argv[1])
for kind in sys.argv[2:]:
    found = Run(training(folder / kind, kind=kind, batch_size=29, computed={"token_budget": 50}))
    if os.environ["RANK"] == "0":
        save_file(found.weights, folder / f"{kind}.safetensors")
        (folder / f"{kind}.json").write_text(json.dumps(found.losses))
sys.stdout.flush()
os._exit(0)  # a process group that is taken down may wait for its own thread for ever
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Path:
    """The folder with the losses and the weights that two processes came to."""
    folder = tmp_path_factory.mktemp("shared")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    paths = [str(Path(module.__file__).parent) for module in (toy_training, toys)]
    group = os.environ | {
        "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1",
        "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
    }  # fmt: skip
    command = [sys.executable, "-c", PROCESS, str(folder), *KINDS]
    started = [subprocess.Popen(command, env=group | {"RANK": str(rank), "LOCAL_RANK": str(rank)}) for rank in (0, 1)]
    try:
        assert [process.wait(timeout=240) for process in started] == [0, 0]
    finally:
        for process in started:
            process.kill()
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_learn_what_one_learns(kind, shared, tmp_path) -> None:
    alone = Run(training(tmp_path, kind=kind, batch_size=29, computed={"token_budget": 10**6}))
    losses = json.loads((shared / f"{kind}.json").read_text())
    assert len(losses) == 12
    assert losses == pytest.approx(alone.losses, rel=1e-4, abs=1e-5)
    assert_close(load_file(shared / f"{kind}.safetensors"), alone.weights)
