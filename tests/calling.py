"""Call the command line: in this process, where torch is imported once, or in a process of its own."""

import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from sample_rows import ROWS
from stilts_xl.cli.app import main

NO_DATA = ("model=scratch", "protocol=smoke", "compute=cpu", "compute.threads=1")
TINY = (*ROWS, *NO_DATA)
"""Settings with which a chain takes a second and needs nothing."""
PROGRAM = (sys.executable, "-c", "from stilts_xl.cli.app import main; main()")


@dataclass(frozen=True)
class Said:
    """What a call left: its exit code and its words."""

    code: int
    out: str
    err: str


def call(*words: str | Path) -> Said:
    """``stilts WORDS`` through main(), in this process; what it does to the environment is undone.

    Not for --offline: the Hub's libraries would take that for the rest of this process.
    """
    out, err, code = StringIO(), StringIO(), 0
    argv = ["stilts", *(str(word) for word in words)]
    with patch.dict(os.environ), patch.object(sys, "argv", argv), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Said(code, out.getvalue(), err.getvalue())


def call_apart(*words: str | Path, cwd: Path | None = None, **environment: str) -> Said:
    """``stilts WORDS`` in a process of its own."""
    command = [*PROGRAM, *(str(word) for word in words)]
    around = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"} | environment
    run = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=cwd, env=around, timeout=120)
    return Said(run.returncode, run.stdout, run.stderr)
