"""compute.launcher=slurm: the arrays that sbatch is given, what runs in their jobs, and the end of both."""

import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("submitit", reason="pip install 'stilts-xl[slurm]'")

from submitit.core.utils import DelayedSubmission

from calling import Said, call
from sample_rows import ROWS
from slurm_host import Element, Host, options
from stilts_xl.core.errors import StiltsError
from stilts_xl.core.site import Site
from stilts_xl.core.stage import Predict, Stage, Train, slug
from stilts_xl.run.jobs import Job
from stilts_xl.run.launchers import slurm_job
from stilts_xl.run.launchers.slurm import LARGEST, waves
from stilts_xl.run.launchers.slurm_job import SlurmJob
from stilts_xl.run.plan import missing_stages
from stilts_xl.store.lock import claim
from stilts_xl.store.notes import read_progress, read_troubles
from stilts_xl.store.store import completed, lock_file, stage_folder
from toys import SCRATCH, chain, learned, rows

GRID = (
    "study=smoke", *ROWS, "model.hidden_size=32", "compute=cpu", "compute.threads=1",
    "intermediate.epochs=30", "intermediate.max_steps=80", "languages=[ru]",
)  # fmt: skip
"""Six cells. The intermediate training takes seconds: time enough for a notice of its end."""
WIDER = (*GRID, "intermediate=none,squad,copa")
SLURM = ("compute.launcher=slurm", "compute.slurm.cpus=1")
SMALL = (*ROWS, "model=scratch", "protocol=smoke", "model.hidden_size=32", "languages=[en]")


# The arrays


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Site:
    return chain(tmp_path_factory.mktemp("site"), "target=xquad").site


@st.composite
def forests(draw: st.DrawFn) -> list[Stage]:
    """Missing stages, what each stands on before it or complete."""
    todo: list[Stage] = []
    trained: list[Train] = []
    for seed in range(draw(st.integers(1, 8))):
        below = draw(st.sampled_from([SCRATCH, learned("mnli", seed=99), *trained]))
        trained.append(learned("squad", below, seed=seed))
        todo.append(trained[-1])
    for language in ("en", "ko"):
        models = draw(st.lists(st.sampled_from([learned("mnli", seed=99), *trained]), unique=True))
        todo += [Predict(rows("tydiqa", "test", language), model) for model in models]
    return todo


@given(forests())
def test_every_missing_stage_is_in_one_job_and_every_job_comes_after_what_it_stands_on(site, todo: list[Stage]) -> None:
    planned = waves(todo, {SCRATCH: site})
    made: list[Stage] = []
    for wave in planned:
        assert wave.after is None or wave.after in made
        for unit in wave.units:
            below = unit.base if isinstance(unit.stages[0], Train) else None
            assert wave.after == (below if below in todo else None)
            models = {stage if isinstance(stage, Train) else stage.model for stage in unit.stages}
            assert len(models) == 1 and not any(isinstance(stage, Train) for stage in unit.stages[1:])
        made += [stage for unit in wave.units for stage in unit.stages]
    assert sorted(map(slug, made)) == sorted(map(slug, todo))
    assert len({wave.after for wave in planned}) == len(planned), "one array for all that stands on a training"


def test_an_array_begins_with_what_others_wait_for(site) -> None:
    alone, stood_on = learned("tydiqa"), learned("squad")
    first, second = waves([alone, stood_on, learned("tydiqa", stood_on)], {SCRATCH: site})
    assert [unit.stages for unit in first.units] == [(stood_on,), (alone,)]
    assert second.after == stood_on


def test_an_array_is_no_larger_than_slurm_allows(site) -> None:
    todo = [learned("squad", seed=seed) for seed in range(LARGEST + 1)]
    assert [len(wave.units) for wave in waves(todo, {SCRATCH: site})] == [LARGEST, 1]


# The scripts


def dry(workspace: Path, *words: str) -> list[str]:
    """The scripts that a dry run prints."""
    said = call("sweep", *words, "--dry-run", "-w", workspace)
    assert said.code == 0, said.err
    return said.out.split("\n# array ")[1:]


def test_a_script_names_only_what_was_asked_for(tmp_path) -> None:
    (script,) = dry(tmp_path, *SMALL, "target=xquad", "compute=slurm", "compute.device=cpu")
    assert options(script) == {
        "job-name": "stilts",
        "nodes": "1",
        "open-mode": "append",
        "output": f"{tmp_path}/slurm/%j_0_log.out",
        "requeue": "",
        "signal": "USR2@300",
        "time": "1440",
        "cpus-per-task": "4",
    }
    assert not list(tmp_path.iterdir()), "a dry run writes nothing"


def test_a_script_asks_for_what_the_settings_say(tmp_path) -> None:
    (script,) = dry(
        tmp_path, *SMALL, "target=xquad", "compute=slurm", "compute.processes=2", "compute.slurm.partition=long",
        "compute.slurm.account=lab7", "compute.slurm.qos=high", "compute.slurm.constraint='a100&nvlink'",
        "compute.slurm.minutes=8", "compute.slurm.memory_gb=64", "compute.slurm.cpus=12",
        "compute.slurm.setup='module load cuda'",
    )  # fmt: skip
    asked = {
        "partition": "long", "account": "lab7", "qos": "high", "constraint": "a100&nvlink", "time": "8",
        "mem": "64G", "cpus-per-task": "12", "gpus-per-node": "2", "signal": "USR2@240",
    }  # fmt: skip
    assert options(script).items() >= asked.items()
    lines = script.splitlines()
    exports = lines.index("export OMP_NUM_THREADS=6 RAYON_NUM_THREADS=6")
    assert lines[exports + 1] == "module load cuda"
    assert re.search(r"^srun .* --mpi=none --cpus-per-task=12 .*submitit\.core\._submit", script, re.MULTILINE)


def test_arrays_have_ranges_and_their_children_name_what_they_wait_for(tmp_path) -> None:
    first, after_squad, after_copa = dry(
        tmp_path, *SMALL, "target=tydiqa,xquad", "intermediate=none,squad,copa", *SLURM, "compute.slurm.at_once=2"
    )
    assert options(first)["array"] == "0-2%2"
    assert "dependency" not in options(first) and "kill-on-invalid-dep" not in options(first)
    assert first.startswith("1 of 3\n# 0  squad-") and "\n# 1  copa-" in first and "\n# 2  tydiqa-" in first
    for script, task in ((after_squad, "squad"), (after_copa, "copa")):
        assert options(script)["array"] == "0-1%2"
        waited = re.fullmatch(rf"afterok:JOB_OF_({task}-\w{{8}})", options(script)["dependency"])
        assert waited and waited[1] in first
        assert options(script)["kill-on-invalid-dep"] == "yes"


def test_a_part_of_a_gpu_is_a_mistake(tmp_path) -> None:
    said = call("sweep", *SMALL, "target=xquad", "compute=slurm", "compute.gpus=0.5", "--dry-run", "-w", tmp_path)
    assert said.code == 2 and "compute.gpus=0.5: a Slurm job has whole GPUs" in said.err


def test_a_workspace_that_slurm_would_take_for_a_pattern_is_refused(tmp_path) -> None:
    said = call("run", *SMALL, "target=xquad", "compute=slurm", "--dry-run", "-w", tmp_path / "100%job")
    assert said.code == 2 and "100%job: Slurm takes the '%' in it for a pattern" in said.err


# Where nothing can be submitted


def test_a_host_without_slurm_says_what_works_there(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for verb in ("run", "sweep"):
        said = call(verb, *SMALL, "target=xquad", "compute=slurm", "-w", tmp_path / "w")
        assert said.code == 2
        assert "there is no sbatch here" in said.err and "compute.launcher=local works here" in said.err


def test_without_submitit_the_extra_is_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)  # as find_spec sees a package that is not there
    for words in (("--dry-run",), ()):
        said = call("sweep", *SMALL, "target=xquad", "compute=slurm", *words, "-w", tmp_path)
        assert said.code == 2 and "pip install 'stilts-xl[slurm]'" in said.err


# A grid on a cluster


@dataclass
class Cluster:
    """A grid that was submitted, and went through the queue."""

    workspace: Path
    dry: list[str]
    """The scripts that the dry run before it printed."""
    said: Said
    """The submission."""
    scripts: dict[str, str]
    ends: dict[str, Element]


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with tempfile.TemporaryDirectory(prefix="slurm-") as root:
        found = Host(Path(root) / "host")
        yield found
        found.end()


@pytest.fixture(scope="module")
def cluster(host: Host, tmp_path_factory) -> Cluster:
    """The wider grid: COPA fails, and the training on SQuAD gets a notice of its end while it runs."""
    host.warm()
    workspace = tmp_path_factory.mktemp("cluster") / "mes résultats" / "β 实验"
    command = ("sweep", *WIDER, *SLURM, "-w", workspace)
    scripts = dry(workspace, *command[1:-2])
    with host.found():
        said = call(*command)
    in_the_way(workspace, re.search(r"# 1  (copa-\w{8})", scripts[0])[1])
    teller = Thread(target=give_notice, args=(workspace, re.search(r"# 0  (squad-\w{8})", scripts[0])[1]))
    teller.start()
    ends = host.run()
    teller.join()
    return Cluster(workspace, scripts, said, host.scripts(), ends)


def in_the_way(workspace: Path, name: str) -> Path:
    """A file where a stage's folder belongs."""
    path = workspace / "stages" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def give_notice(workspace: Path, slug: str, number: int = signal.SIGUSR2, patience: float = 60.0) -> None:
    """Send a signal to the process of a training, once it has made its first step."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        note = read_progress(workspace).get(slug)
        if note is not None and note.phase == "train" and note.step:
            os.kill(note.pid, number)
            return
        time.sleep(0.005)


def results(workspace: Path) -> dict[str, bytes]:
    kept = ("model.safetensors", "config.json", "predictions.jsonl")
    return {
        f"{path.parent.name}/{path.name}": path.read_bytes()
        for path in workspace.glob("stages/*/*")
        if path.name in kept
    }


def test_a_dry_run_prints_the_scripts_that_sbatch_gets(cluster: Cluster) -> None:
    assert len(cluster.dry) == len(cluster.scripts) == 3
    for printed, given_ in zip(cluster.dry, cluster.scripts.values(), strict=True):
        script = printed[printed.index("#!") :].strip()
        assert re.sub(r"JOB_OF_[\w-]+", "ID", script) == re.sub(r"(?<=afterok:)\w+", "ID", given_).strip()


def test_children_wait_for_the_very_job_that_makes_what_they_stand_on(cluster: Cluster) -> None:
    for number, script in cluster.scripts.items():
        after = options(script).get("dependency", "").removeprefix("afterok:")
        for index in range(int(re.match(r"0-(\d+)", options(script)["array"])[1]) + 1):
            base = unit(cluster.workspace, f"{number}_{index}").base
            assert (unit(cluster.workspace, after).stages[0] == base) if after else not isinstance(base, Train)


def unit(workspace: Path, number: str) -> Job:
    """What a job was given to make."""
    call_of = DelayedSubmission.load(workspace / "slurm" / f"{number}_submitted.pkl").function
    assert isinstance(call_of, SlurmJob)
    return slurm_job.read_job(json.loads(call_of.letter)["unit"])


def test_a_submission_says_what_it_submitted_and_what_to_type_next(cluster: Cluster) -> None:
    assert cluster.said.code == 0
    lines = cluster.said.out.splitlines()
    first, *others = (line for line in lines if re.match(r"100\d  ", line))
    assert re.fullmatch(r"1001  5 jobs  4 trainings, 5 predictions", first)
    assert [re.sub(r"-\w{8}", "", line.split("  ")[-1]) for line in others] == [
        "after 1001_0 (squad)",
        "after 1001_1 (copa)",
    ]
    assert "✓ 9 jobs submitted in 3 arrays" in cluster.said.out
    assert lines[-1] == f"watch them with: stilts status --watch -w '{cluster.workspace}'"


def test_a_training_that_gets_notice_is_queued_again_and_resumes(cluster: Cluster) -> None:
    first, *rest = cluster.ends["1001_0"].ends
    assert first != 0 and rest == [0]
    stopped = slug(unit(cluster.workspace, "1001_0").stages[0])
    assert re.search(
        r"resuming at step \d+", (cluster.workspace / "logs" / f"{stopped}.log").read_text(encoding="utf-8")
    )
    assert "preempted" in (cluster.workspace / "slurm" / "1001_0_0_log.out").read_text(encoding="utf-8")


def test_a_training_that_fails_takes_only_its_children_from_the_queue(cluster: Cluster) -> None:
    ended = {"ok": set(), "failed": set(), "never": set()}
    for number, element in cluster.ends.items():
        how = "never" if not element.ends else "failed" if element.ends[-1] else "ok"
        ended[how].add(number)
    assert ended == {
        "ok": {"1001_0", "1001_2", "1001_3", "1001_4", "1002_0", "1002_1"},
        "failed": {"1001_1"},
        "never": {"1003_0", "1003_1"},
    }
    (trouble,) = read_troubles(cluster.workspace).values()
    assert trouble.slug.startswith("copa-") and "a file stands where a folder belongs" in trouble.message


def test_the_cells_of_a_cluster_are_those_of_one_process_byte_for_byte(cluster: Cluster, tmp_path) -> None:
    said = call("sweep", *GRID, "compute.workers=0", "-w", tmp_path)
    assert said.code == 0, said.err
    alone, found = results(tmp_path), results(cluster.workspace)
    assert len(alone) == 5 * 2 + 6 and alone.items() <= found.items()


def test_the_same_command_submits_only_what_is_missing_and_then_prints_the_table(cluster: Cluster, host: Host) -> None:
    with host.found():
        again = call("sweep", *GRID, *SLURM, "-w", cluster.workspace)
        assert again.code == 0 and "submitted" not in again.out and "gain over no intermediate task" in again.out
        again = call("sweep", *WIDER, *SLURM, "-w", cluster.workspace)
    assert "✓ 3 jobs submitted in 2 arrays" in again.out
    assert re.search(
        r"1004  1 job  copa-\w{8}, 1 prediction\n1005  2 jobs  2 trainings, 2 predictions  after 1004 \(copa",
        again.out,
    )


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_a_host_without_gpus_submits_jobs_that_will_not_do_without(device, tmp_path) -> None:
    host = Host(tmp_path / "host")
    with host.found():
        said = call("run", *SMALL, "target=xquad", "compute=slurm", f"compute.device={device}", "-w", tmp_path / "w")
    assert said.code == 0, said.err
    assert options(host.scripts()["1001"])["gpus-per-node"] == "1"
    assert unit(tmp_path / "w", "1001").site.compute.device == "cuda"


def test_words_of_sbatch_that_refuses_are_told(tmp_path) -> None:
    host = Host(tmp_path / "host")
    host.close("sbatch: error: QOSMaxSubmitJobPerUserLimit")
    with host.found():
        said = call("run", *SMALL, "target=xquad", *SLURM, "compute.device=cpu", "-w", tmp_path / "w")
    assert said.code == 1
    assert "error: sbatch refused array 1 of 1: sbatch: error: QOSMaxSubmitJobPerUserLimit" in said.err
    assert said.err.count("QOSMax") == 1


# In a job


def asked(workspace: Path, steps: int = 4) -> Job:
    """A training and two predictions, all missing."""
    settings = ("target=xquad", "languages=[en,de]", "compute.threads=1", f"target.max_steps={steps}")
    found = chain(workspace, *settings, "target.epochs=30")
    return Job(missing_stages(found.goals, workspace), found.site)


def test_a_job_waits_for_what_another_process_makes(tmp_path) -> None:
    wanted = asked(tmp_path)
    held = claim(lock_file(tmp_path, wanted.stages[0]), "another run")
    assert held
    began = time.monotonic()
    other = Thread(target=lambda: (time.sleep(1.5), held.release()))
    other.start()
    SlurmJob(wanted, stood_on=False)()
    other.join()
    assert time.monotonic() - began > 1.5
    assert all(completed(tmp_path, stage) for stage in wanted.stages)


def test_a_job_does_not_wait_for_ever(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(slurm_job, "HELD", 0.5)
    wanted = asked(tmp_path)
    with claim(lock_file(tmp_path, wanted.stages[0]), "another run") as held:
        assert held
        with pytest.raises(StiltsError, match="another process has been making it"):
            SlurmJob(wanted, stood_on=False)()


def test_a_prediction_that_fails_fails_a_job_that_nobody_waits_for(tmp_path) -> None:
    wanted = asked(tmp_path)
    training, *_, last = wanted.stages
    path = in_the_way(tmp_path, slug(last))
    SlurmJob(wanted, stood_on=True)()
    assert completed(tmp_path, training) and slug(last) in read_troubles(tmp_path)
    with pytest.raises(StiltsError, match="a file stands where a folder belongs"):
        SlurmJob(wanted, stood_on=False)()
    path.unlink()
    SlurmJob(wanted, stood_on=False)()
    assert completed(tmp_path, last) and not read_troubles(tmp_path)


def test_after_sigterm_a_job_keeps_a_checkpoint_and_waits_for_its_end(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(slurm_job, "GRACE", 0.2)
    job, wanted = SlurmJob(asked(tmp_path, 60), stood_on=False), asked(tmp_path, 60)
    teller = Thread(target=give_notice, args=(tmp_path, slug(wanted.stages[0]), signal.SIGTERM))
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # whatever goes wrong, these tests live on
    teller.start()
    with pytest.raises(StiltsError, match="stopped after SIGTERM"):
        job()
    teller.join()
    signal.signal(signal.SIGTERM, before)
    assert list(stage_folder(tmp_path, wanted.stages[0]).glob("checkpoint-*"))
    job.checkpoint().result()
    found = results(tmp_path)
    shutil.rmtree(tmp_path / "stages")
    job()
    assert len(found) == 4 and results(tmp_path) == found
