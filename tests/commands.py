"""Commands in processes that can be killed, each forked from one that has everything imported."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A process that has everything imported, and runs each command of its standard input in a child of its own: a kill then
# costs a fraction of a second instead of the seconds that torch takes to import.
FORKS = """
import json, os, sys
import transformers.models.xlm_roberta.modeling_xlm_roberta
import stilts_xl.run.runner
from stilts_xl.cli.app import main

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        sys.argv = json.loads(line)
        try:
            main()
        except SystemExit as end:
            os._exit(end.code or 0)
        os._exit(0)
    print(json.dumps({"pid": child}), file=sys.stderr, flush=True)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps({"status": status}), file=sys.stderr, flush=True)
"""


class Commands:
    """Commands, one after another, each in a process that can be killed."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def begin(self, *words: str | Path) -> int:
        """Begin ``stilts WORDS``; its process id."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(["stilts", *(str(word) for word in words)]) + "\n")
        self.process.stdin.flush()
        return self._answer()["pid"]

    def end(self) -> int:
        """Wait for the command; its exit code, negative for a signal."""
        return self._answer()["status"]

    def _answer(self) -> dict[str, int]:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if line.startswith(('{"pid"', '{"status"')):
                return json.loads(line)
        raise AssertionError("the process that forks has ended")


@contextmanager
def commands() -> Iterator[Commands]:
    """Somewhere to begin commands."""
    process = subprocess.Popen(
        [sys.executable, "-c", FORKS],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )
    with process:
        try:
            yield Commands(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


def results(workspace: Path) -> dict[str, bytes]:
    """What a run is for: weights, configuration and predictions of every stage."""
    kept = ("model.safetensors", "config.json", "predictions.jsonl")
    files = [path for name in kept for path in workspace.glob(f"stages/*/{name}")]
    return {str(path.relative_to(workspace)): path.read_bytes() for path in files}


def running(pid: int) -> bool:
    """Whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
