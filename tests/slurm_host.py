"""A submit host and a cluster of this machine: programs named sbatch, srun and scontrol, and a queue that heeds them."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

SBATCH = """#!/bin/sh
if [ -e '{root}/closed' ]; then cat '{root}/closed' >&2; exit 1; fi
number=$(( $(ls '{root}/queue' | wc -l) + 1001 ))
cp "$1" '{root}/queue/'$number
echo "Submitted batch job $number"
"""
SRUN = """#!{python} -S
import json, os, socket, sys
words = sys.argv[1:]
log = ""
while words[0].startswith("--"):
    option = words.pop(0)
    log = words.pop(0) if option == "--output" else log
for sign, name in (("%A", "SLURM_ARRAY_JOB_ID"), ("%a", "SLURM_ARRAY_TASK_ID"), ("%j", "SLURM_JOB_ID")):
    log = log.replace(sign, os.environ.get(name, ""))
connection = socket.socket(socket.AF_UNIX)
connection.connect("{root}/node")
asked = {"words": words, "log": log.replace("%t", "0"), "around": dict(os.environ)}
connection.sendall(json.dumps(asked).encode() + b"\\n")
sys.exit(int(connection.makefile().readline()))
"""
SCONTROL = """#!/bin/sh
touch '{root}/again/'"$2"
"""
NODE = """
import json, os, runpy, socket, sys, traceback
import transformers.models.xlm_roberta.modeling_xlm_roberta
import stilts_xl.run.launchers.slurm_job

def run(words, log, around):
    os.environ.clear()
    os.environ.update(around)
    log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.argv = words[words.index("-m") + 1 :]
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0

server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1] + ".begun")
server.listen()
os.rename(sys.argv[1] + ".begun", sys.argv[1])
while True:
    connection, _ = server.accept()
    if os.fork() == 0:
        asked = json.loads(connection.makefile().readline())
        child = os.fork()
        if child == 0:
            os._exit(run(**asked) & 255)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        connection.sendall(f"{code}\\n".encode())
        os._exit(0)
    connection.close()
"""
"""What runs the jobs: a process that has everything imported, and forks one for each, so that a job costs no import."""
PATIENCE = 120.0
"""Seconds that the whole queue may take."""


@dataclass
class Element:
    """A job of the queue, or an element of an array."""

    number: str
    """As Slurm names it: '1001', or '1002_3'."""
    script: Path
    after: str
    ends: list[int] = field(default_factory=list)
    """Its exit codes; several where it was put back into the queue."""
    process: "subprocess.Popen[bytes] | None" = None
    over: bool = False
    """Whether it has ended for good."""


class Host:
    """Where sbatch puts its scripts, and what becomes of them; ``root`` must be short, for it holds a socket."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._node: subprocess.Popen[bytes] | None = None
        for name in ("programs", "queue", "again"):
            (root / name).mkdir(parents=True)
        for name, text in (("sbatch", SBATCH), ("srun", SRUN), ("scontrol", SCONTROL)):
            program = root / "programs" / name
            program.write_text(text.replace("{root}", str(root)).replace("{python}", sys.executable))
            program.chmod(0o755)

    def warm(self) -> None:
        """Begin to import what the jobs need."""
        around = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        self._node = subprocess.Popen(
            [sys.executable, "-c", NODE, str(self.root / "node")], env=around, start_new_session=True
        )

    def end(self) -> None:
        """Nothing runs any more."""
        if self._node is not None:
            os.killpg(self._node.pid, signal.SIGKILL)
            self._node.wait()

    @contextmanager
    def found(self) -> Iterator[None]:
        """The programs are on PATH."""
        with patch.dict(os.environ, PATH=f"{self.root / 'programs'}{os.pathsep}{os.environ['PATH']}"):
            yield

    def scripts(self) -> dict[str, str]:
        """What was submitted: number -> text."""
        return {path.name: path.read_text(encoding="utf-8") for path in sorted((self.root / "queue").iterdir())}

    def close(self, words: str) -> None:
        """From now on sbatch refuses everything with these words."""
        (self.root / "closed").write_text(words)

    def run(self, at_once: int = 2) -> dict[str, Element]:
        """Run everything that is queued, in dependency order; what can never run leaves the queue with no exit code."""
        waiting = [element for number, text in self.scripts().items() for element in self._elements(number, text)]
        known = {element.number: element for element in waiting}
        running: list[Element] = []
        deadline = time.monotonic() + PATIENCE
        while not (self.root / "node").exists():
            assert self._node is not None and self._node.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        with self.found():
            while waiting or running:
                assert time.monotonic() < deadline, [element.number for element in running]
                for element in [
                    element for element in running if element.process and element.process.poll() is not None
                ]:
                    running.remove(element)
                    if self._ended(element):
                        waiting.append(element)
                for element in [element for element in waiting if _never(element, known)]:
                    waiting.remove(element)
                    element.over = True
                for element in [element for element in waiting if _may_begin(element, known)][: at_once - len(running)]:
                    waiting.remove(element)
                    element.process = self._begin(element)
                    running.append(element)
                time.sleep(0.05)
        return known

    def _elements(self, number: str, text: str) -> Iterator[Element]:
        asked = options(text)
        after = asked.get("dependency", "").removeprefix("afterok:")
        last = re.match(r"0-(\d+)", asked["array"]) if "array" in asked else None
        numbers = [f"{number}_{index}" for index in range(int(last[1]) + 1)] if last else [number]
        for one in numbers:
            yield Element(one, self.root / "queue" / number, after)

    def _begin(self, element: Element) -> "subprocess.Popen[bytes]":
        array, _, index = element.number.partition("_")
        around = {"SLURM_JOB_ID": element.number, "SLURM_NTASKS": "1", "SLURM_JOB_NUM_NODES": "1", "SLURM_PROCID": "0"}
        if index:
            around |= {"SLURM_ARRAY_JOB_ID": array, "SLURM_ARRAY_TASK_ID": index}
        return subprocess.Popen(["bash", str(element.script)], env=os.environ | around)

    def _ended(self, element: Element) -> bool:
        """Whether it is to run again."""
        assert element.process is not None
        element.ends.append(element.process.returncode)
        element.process = None
        again = self.root / "again" / element.number
        element.over = not again.exists()
        again.unlink(missing_ok=True)
        return not element.over


def options(script: str) -> dict[str, str]:
    """What the #SBATCH lines of a script ask for; a flag has no text."""
    words = [word for line in script.splitlines() if line.startswith("#SBATCH ") for word in shlex.split(line[8:])]
    return {name: value for name, _, value in (word.removeprefix("--").partition("=") for word in words)}


def _may_begin(element: Element, known: Mapping[str, Element]) -> bool:
    return not element.after or (known[element.after].over and known[element.after].ends[-1:] == [0])


def _never(element: Element, known: Mapping[str, Element]) -> bool:
    """Whether what it waits for has failed, or never begins either."""
    return bool(element.after) and known[element.after].over and known[element.after].ends[-1:] != [0]
