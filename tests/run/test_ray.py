"""Stages made on Ray: the same bytes as in one process, whatever ends a worker, and nothing left behind."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from calling import PROGRAM, Said, call
from commands import results
from stilts_xl.core.errors import Mistake
from stilts_xl.core.launch import AUTO, Launch, Slurm
from stilts_xl.core.site import Site
from stilts_xl.core.stage import Stage, key, slug
from stilts_xl.run.jobs import Job, make_stages
from stilts_xl.run.launchers.base import Ended
from stilts_xl.run.launchers.letters import job_letter
from stilts_xl.run.logbook import Logbook
from stilts_xl.run.memory import Memory
from stilts_xl.run.plan import missing_stages
from stilts_xl.store.notes import Progress, log_file, read_progress
from toys import COMPUTE, chain

pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed: pip install 'stilts-xl[ray]'")

TINY = ("data=sample", "model=scratch", "model.hidden_size=32", "compute=cpu", "compute.threads=1")
GRID = (
    "sweep", "study=smoke", *TINY, "intermediate.max_steps=60", "intermediate.epochs=60", "compute.checkpoint_steps=2",
)  # fmt: skip
CHAIN = (
    "sweep", "intermediate=squad", "target=tydiqa", "languages=[en,ko]", "protocol=smoke", *TINY,
    "intermediate.max_steps=60", "intermediate.epochs=60", "target.max_steps=10", "target.epochs=10",
    "target.batch_size=8", "compute.checkpoint_steps=2",
)  # fmt: skip
ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "disabled"}
"""A cluster that the loopback interface alone reaches."""
SLURM = Slurm("", "", "", "", 0, 0, 1, 1, "")
LAUNCH = Launch(launcher="ray", workers=AUTO, retries=0, address="", gpus=AUTO, slurm=SLURM)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    """The chain, made in this process."""
    workspace = tmp_path_factory.mktemp("undisturbed")
    said = call(*CHAIN, "compute.workers=0", "-w", workspace)
    assert said.code == 0, said.err
    return workspace


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a running cluster with two CPUs."""
    folder = tempfile.mkdtemp(prefix="ray-")  # pytest's own folders have names that are too long for sockets
    head, client, address = free_port(), free_port(), ""
    options = {"port": head, "ray-client-server-port": client, "num-cpus": 2, "num-gpus": 0, "temp-dir": folder}
    ports = {"min-worker-port": 0, "max-worker-port": 0, "object-store-memory": 80 * 2**20}
    words = [f"--{name}={value}" for name, value in (options | ports).items()]
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--disable-usage-stats"]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ALONE.items():
            patch.setenv(name, value)
        process = subprocess.Popen(
            [*command, "--include-dashboard=False", *words],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                said.append(line)
                if "runtime started" in line:
                    address = f"127.0.0.1:{head}"
                    break
            assert address, "".join(said)
            Thread(target=process.stdout.read, daemon=True).start()
            yield address
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(true: Callable[[], Any], seconds: float = 180) -> Any:
    """What is true at last."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def begun_in(folder: Path) -> list[str]:
    """The words of the processes that were begun with a folder among them, or in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words, around = ((process / name).read_bytes() for name in ("cmdline", "environ"))
        except OSError:
            continue
        if os.fsencode(folder) in words + around and int(process.name) != os.getpid():
            found.append(words.replace(b"\0", b" ").decode(errors="replace"))
    return found


def checkpoint(workspace: Path) -> bool:
    return any(workspace.glob("stages/*/checkpoint-???????"))


# A cluster that is begun for a sweep


def test_ctrl_c_reaches_the_workers_through_the_sweep_and_another_launcher_goes_on(tmp_path, undisturbed) -> None:
    short = Path(tempfile.mkdtemp(prefix="t"))
    around = os.environ | {"HOME": str(short), "TMPDIR": str(short), "HF_HUB_OFFLINE": "1"}
    words = [*PROGRAM, *CHAIN, "compute.launcher=ray", "-w", str(tmp_path)]
    with subprocess.Popen(
        words, env=around, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            wait_until(lambda: checkpoint(tmp_path) or process.poll() is not None)
            at_work = begun_in(short)
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the sweep and to all that it began
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130, err
    assert "stopped after step" in err and "go on with: stilts sweep" in err
    assert checkpoint(tmp_path) and not list(tmp_path.glob("locks/*.lock"))

    raylets = [words for words in at_work if "/raylet " in words]
    assert len(raylets) == 1 and "--node_ip_address=127.0.0.1 " in raylets[0]
    wait_until(lambda: not begun_in(short), 10)
    assert [path.name for path in short.iterdir() if "ray" in path.name] == []
    shutil.rmtree(short)

    said = call(*CHAIN, "compute.workers=0", "-w", tmp_path)
    assert said.code == 0 and "resuming at step" in said.err
    assert results(tmp_path) == results(undisturbed)


# A cluster that runs


def on(cluster: str, *words: str | Path) -> Said:
    return call(*words, "compute.launcher=ray", f"compute.address={cluster}")


def test_a_grid_on_ray_has_the_bytes_of_one_in_this_process_though_a_worker_is_killed(tmp_path, cluster) -> None:
    assert call(*GRID, "compute.workers=0", "-w", tmp_path / "here").code == 0
    with ThreadPoolExecutor(1) as beside:
        killed = beside.submit(kill_a_worker, tmp_path / "ray")
        said = on(cluster, *GRID, "-w", tmp_path / "ray")
    assert said.code == 0, said.err
    assert "the worker that made it died; it is tried again" in said.err
    assert "resuming at step" in said.err
    assert "✓ 5 trained, 48 predicted" in said.out
    assert (said.err.count("✓ squad-"), said.err.count("✓ tydiqa-")) == (3, 2)
    assert "raylet" not in said.out + said.err
    expected, found = results(tmp_path / "here"), results(tmp_path / "ray")
    assert expected.keys() == found.keys() and len(found) == 58
    assert [name for name in expected if found[name] != expected[name]] == []
    assert {killed.result()} < makers(tmp_path / "ray") and os.getpid() not in makers(tmp_path / "ray")
    assert not list((tmp_path / "ray").glob("locks/*.lock")) + list((tmp_path / "ray").glob("progress/*"))


def kill_a_worker(workspace: Path) -> int:
    """Kill what trains a stage that has a checkpoint, as soon as there is one; its process id."""

    def at_work() -> Progress | None:
        begun = {path.parent.name for path in workspace.glob("stages/*/checkpoint-???????")}
        return next((note for slug, note in read_progress(workspace).items() if slug in begun), None)

    note = wait_until(at_work)
    assert note.pid != os.getpid()
    os.kill(note.pid, signal.SIGKILL)
    return int(note.pid)


def makers(workspace: Path) -> set[int]:
    """The processes that the logs name."""
    logs = [path.read_text(encoding="utf-8") for path in workspace.glob("logs/*.log")]
    return {int(line.rsplit(" ", 1)[1]) for log in logs for line in log.splitlines() if "  begin on " in line}


def test_gpus_that_no_machine_has_are_refused_at_once(tmp_path, cluster) -> None:
    began = time.monotonic()
    said = on(cluster, *CHAIN, "compute.gpus=3", "-w", tmp_path)
    assert time.monotonic() - began < 20
    assert said.code == 2
    assert "a stage asks for 1 CPU and 3 GPUs" in said.err
    assert "its machines: 1 with 2 CPUs and 0 GPUs" in said.err


def test_a_cluster_that_does_not_answer_is_a_mistake_within_seconds(tmp_path) -> None:
    began = time.monotonic()
    address = f"127.0.0.1:{free_port()}"
    said = on(address, *CHAIN, "-w", tmp_path)
    assert time.monotonic() - began < 20
    assert said.code == 2
    assert f"compute.address={address}: no Ray cluster can be joined" in said.err


def break_down(stages: list[Stage], site: Site, memory: Memory, book: Logbook, stopping: Callable[[], bool]) -> None:
    book.begin(slug(stages[0]))
    raise ZeroDivisionError("a bug")


def test_a_worker_that_breaks_or_cannot_begin_says_why(tmp_path, cluster, monkeypatch) -> None:
    import_module("ray.cloudpickle").register_pickle_by_value(sys.modules[__name__])
    found = chain(tmp_path, "intermediate=none", "target=tydiqa", "languages=[en]")
    job = Job(missing_stages(found.goals, tmp_path)[:1], found.site)
    ended: list[Ended] = []
    begun = import_module("stilts_xl.run.launchers.ray").Ray
    with closing(begun(replace(LAUNCH, address=cluster), COMPUTE, 2, lambda event: None, break_down)) as launcher:
        first, second = launcher.free()
        launcher.start(first, job)
        (tmp_path / "gone").mkdir()
        with monkeypatch.context() as there:
            there.chdir(tmp_path / "gone")
            launcher.start(second, job)
        (tmp_path / "gone").rmdir()
        wait_until(lambda: ended.extend(launcher.ended(0.1)) or len(ended) == 2)
    assert [(one.job, one.done) for one in ended] == [(job, None)] * 2
    lost, broken = sorted(one.how for one in ended)
    assert lost.startswith("could not begin: FileNotFoundError")
    assert broken == "failed: ZeroDivisionError: a bug"
    assert "in break_down" in log_file(tmp_path, slug(job.stages[0])).read_text(encoding="utf-8")


# What a stage asks of a machine

SMALL, LARGE = {"CPU": 4.0, "memory": 9.0}, {"CPU": 16.0, "GPU": 2.0}


@pytest.mark.parametrize(
    ("gpus", "device", "processes", "threads", "machines", "asked"),
    [
        (AUTO, "auto", 1, 0, [SMALL], {"CPU": 1, "GPU": 0}),
        (AUTO, "auto", 1, 0, [SMALL, LARGE], {"CPU": 1, "GPU": 1}),
        (AUTO, "auto", 2, 4, [SMALL, LARGE], {"CPU": 8, "GPU": 2}),
        (AUTO, "cpu", 2, 4, [SMALL, LARGE], {"CPU": 8, "GPU": 0}),
        (0.5, "auto", 1, 1, [LARGE], {"CPU": 1, "GPU": 0.5}),
        (0.0, "auto", 1, 1, [LARGE], {"CPU": 1, "GPU": 0}),
    ],
)
def test_a_stage_asks_for_its_processes_and_for_gpus_where_there_are_any(
    gpus: float, device: str, processes: int, threads: int, machines: list[dict[str, float]], asked: dict[str, float]
) -> None:
    needs = import_module("stilts_xl.run.launchers.cluster").needs
    compute = replace(COMPUTE, device=device, processes=processes, threads=threads)
    assert needs(replace(LAUNCH, gpus=gpus), compute, machines) == asked


@pytest.mark.parametrize(
    ("gpus", "device", "threads", "machines", "told"),
    [
        (AUTO, "cuda", 1, [SMALL], "asks for 1 CPU and 1 GPU "),
        (3.0, "auto", 1, [LARGE, LARGE], "its machines: 2 with 16 CPUs and 2 GPUs"),
        (AUTO, "cpu", 17, [SMALL, LARGE], "its machines: 1 with 4 CPUs and 0 GPUs, 1 with 16 CPUs and 2 GPUs"),
        (1.0, "auto", 8, [SMALL, {"CPU": 2.0, "GPU": 8.0}], "asks for 8 CPUs and 1 GPU "),
        (1.5, "auto", 1, [LARGE], "compute.gpus=1.5"),
    ],
)
def test_what_no_machine_has_is_a_mistake(
    gpus: float, device: str, threads: int, machines: list[dict[str, float]], told: str
) -> None:
    needs = import_module("stilts_xl.run.launchers.cluster").needs
    with pytest.raises(Mistake, match=told):
        needs(replace(LAUNCH, gpus=gpus), replace(COMPUTE, device=device, threads=threads), machines)


def test_no_workers_and_ray_contradict_each_other(tmp_path) -> None:
    said = call(*CHAIN, "compute.launcher=ray", "compute.workers=0", "-w", tmp_path)
    assert said.code == 2 and "compute.workers=0" in said.err


# What a worker does


@pytest.fixture
def hand(tmp_path, monkeypatch) -> Iterator[Callable[[Job], Any]]:
    """A worker in this process, and what it answers."""
    monkeypatch.chdir(tmp_path)
    for name in ("CUDA_VISIBLE_DEVICES", "RAYON_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    worker = import_module("stilts_xl.run.launchers.hand").Hand(str(tmp_path), 1.0, 0.0, make_stages)
    streams = {number: os.dup(number) for number in (1, 2)}  # what is written while it works goes to the stage's log
    yield lambda job: json.loads(worker.work(json.dumps(job_letter(job))))
    for number, kept in streams.items():
        os.dup2(kept, number)
        os.close(kept)


def test_a_worker_tells_its_news_and_what_it_holds(tmp_path, hand) -> None:
    found = chain(tmp_path, "intermediate=none", "target=tydiqa", "languages=[en]", "compute.threads=1")
    stage, *_ = missing_stages(found.goals, tmp_path)
    answer = hand(Job((stage,), found.site))
    assert answer["done"] == {"made": [slug(stage)], "held": [], "left": [], "fault": None}
    assert answer["kept"] == key(stage)
    news = [json.loads(line)["event"] for line in answer["news"]]
    assert news[0]["phase"] == "load" and news[-1]["phase"] == "done"
    assert {event["where"] for event in news} == {f"{socket.gethostname()} cpu"}


def test_a_worker_without_the_workspace_says_that_it_must_be_shared(tmp_path, hand) -> None:
    found = chain(tmp_path, "intermediate=none", "target=tydiqa", "languages=[en]")
    stages = missing_stages(found.goals, tmp_path)[:1]
    answer = hand(Job(stages, replace(found.site, workspace=str(tmp_path / "elsewhere"))))
    fault = answer["done"]["fault"]
    assert (fault["slug"], fault["everywhere"], fault["code"]) == (slug(stages[0]), True, 2)
    assert "must share the workspace" in fault["message"]
    assert not (tmp_path / "elsewhere").exists()
