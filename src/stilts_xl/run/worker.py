"""One of several processes of a training: ``python -m stilts_xl.run.worker JOB.json``, started by run/processes.py."""

import json
import os
import sys
import traceback
from pathlib import Path
from typing import NoReturn

from stilts_xl.core.errors import StiltsError, file_error
from stilts_xl.core.event import Event, to_json
from stilts_xl.core.identity import restore
from stilts_xl.run.launchers.letters import SITE_CLASSES
from stilts_xl.run.memory import Memory
from stilts_xl.run.quiet import quiet
from stilts_xl.run.train import make_training
from stilts_xl.store.record import STAGE_CLASSES


def main(job: Path) -> int:
    """Run the job; events go to standard output, a failure as a line of JSON to standard error. Returns the exit code."""
    plain = json.loads(job.read_text(encoding="utf-8"))
    stop, parent = Path(plain["stop"]), int(plain["parent"])
    quiet()

    def report(event: Event) -> None:
        if os.environ["RANK"] == "0":
            print(to_json(event), flush=True)

    def stopping() -> bool:
        return stop.exists() or os.getppid() != parent

    try:
        stage, site = restore(plain["stage"], STAGE_CLASSES), restore(plain["site"], SITE_CLASSES)
        make_training(stage, site, Memory(), report, stopping)
    except (StiltsError, OSError) as error:
        told = error if isinstance(error, StiltsError) else file_error(error)
        if told is None:
            raise
        print(json.dumps({"error": str(told)}), file=sys.stderr, flush=True)
        return told.exit_code
    return 0


def run(job: Path) -> NoReturn:
    """``main``, and an end without destructors: that of a process group may wait for its own thread for ever."""
    code = 1
    try:
        code = main(job)
    finally:
        if sys.exc_info()[0] is not None:
            traceback.print_exc()
        os._exit(code)


if __name__ == "__main__":
    run(Path(sys.argv[1]))
