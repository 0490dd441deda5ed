"""Jobs made in this process, one after another."""

from collections.abc import Callable, Sequence

from stilts_xl.core.event import Reporter
from stilts_xl.run.jobs import Done, Job, Make, do_job, make_stages
from stilts_xl.run.launchers.base import Ended, Place
from stilts_xl.run.logbook import Logbook
from stilts_xl.run.memory import Memory


class Here:
    """A Launcher that works while it is waited for."""

    def __init__(self, report: Reporter, stopping: Callable[[], bool], make: Make = make_stages) -> None:
        self._report, self._stopping, self._make = report, stopping, make
        self._memory = Memory()
        self._job: Job | None = None

    def free(self) -> Sequence[Place]:
        """This process, unless it has a job."""
        return [] if self._job else [Place("", self._memory.key)]

    def start(self, place: Place, job: Job) -> None:
        """Keep the job until somebody waits for it."""
        self._job = job

    def ended(self, patience: float) -> Sequence[Ended]:
        """Make the job."""
        job, self._job = self._job, None
        if job is None:
            return []
        book = Logbook(job.site.workspace, "", self._report, capture=False)
        done: Done = do_job(job, self._memory, book, self._stopping, self._make)
        return [Ended(job, done)]

    def stop(self) -> None:
        """Nothing to do: the job asks by itself."""

    def close(self) -> None:
        """Let the model go."""
        self._memory.forget()
