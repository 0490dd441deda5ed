"""What Tab offers, in the words that each shell hands over, and in an interactive bash with the script that is installed."""

import os
import pty
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from select import select
from subprocess import Popen
from subprocess import run as run_process
from typing import Any

import pytest

from calling import Said, call
from stilts_xl.config.build import build_request
from stilts_xl.config.compose import compose_run
from stilts_xl.config.words import completions, roles
from stilts_xl.core.errors import Mistake
from stilts_xl.data.fetch import fetchable
from stilts_xl.tasks.catalog import all_tasks
from stilts_xl.tasks.languages import TYDIQA

MODELS = ["scratch", "xlmr_base", "xlmr_large", "xlmr_xl", "xlmr_xxl"]
PATIENCE = 60.0
"""Seconds that an interactive bash may say nothing."""


def pressed(*pieces: str) -> Said:
    """Tab in bash, at the end of the last piece; '=' is a piece of its own there."""
    asked = {"_STILTS_COMPLETE": "complete_bash", "COMP_WORDS": "\n".join(pieces), "COMP_CWORD": str(len(pieces) - 1)}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in asked.items():
            patch.setenv(name, value)
        return call()


def offered(*pieces: str) -> list[str]:
    said = pressed("stilts", *pieces)
    assert (said.code, said.err) == (0, "")
    return said.out.split()


def offered_elsewhere(shell: str, line: str) -> str:
    """Tab in a shell that hands over the line as it is typed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("_STILTS_COMPLETE", f"complete_{shell}")
        patch.setenv("_TYPER_COMPLETE_ARGS", line)
        patch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        said = call()
    assert (said.code, said.err) == (0, "")
    return said.out


def test_a_word_becomes_the_settings_that_begin_so():
    assert {"model=", "data=", "protocol=", "compute=", "intermediate=", "target=", "seed="} <= {*offered("run", "")}
    assert offered("run", "t") == ["target=", "tracker="]
    assert {"study=", "seed="} == {*offered("sweep", "s")}
    assert offered("plan", "st")[0].startswith("study=")
    assert all(found.startswith("seed=") for found in offered("run", "s")), "a run has no study"


def test_the_one_setting_that_fits_is_no_finished_word():
    for word, setting in (
        ("inter", "intermediate="),
        ("target.lear", "target.learning_rate="),
        ("compute.work", "compute.workers="),
        ("data.ro", "data.root="),
        ("compute.slurm.part", "compute.slurm.partition="),
    ):
        found = offered("run", word)
        assert len(found) > 1 and os.path.commonprefix(found) == setting


def test_behind_the_sign_bash_replaces_the_value_alone():
    assert [found for found in offered("run", "model", "=") if found != "mini"] == MODELS
    assert offered("run", "model", "=", "scr") == ["scratch"]
    assert offered("run", "target", "=", "xnli", "intermediate", "=", "s") == [
        "snli",
        "social_iqa",
        "squad",
        "squad_v2",
    ]
    assert offered("run", "model=") == [f"model={name}" for name in offered("run", "model", "=")]
    for group, name in (("protocol", "phang2020"), ("data", "sample"), ("compute", "ray")):
        assert name in offered("data", "check", group, "=")


def accepted(role: str, name: str, whole: Mapping[str, Any]) -> bool:
    """Whether a run takes a task, or none, in a role."""
    chain = {"intermediate": whole["intermediate"], "target": whole["target"]}
    chain[role] = chain[role] | {"task": name}
    try:
        build_request({**whole, **chain}, "w", 0, offline=True)
    except Mistake:
        return False
    return True


@pytest.mark.parametrize("role", ["intermediate", "target"])
def test_a_role_is_offered_the_tasks_that_can_take_it_and_no_others(role: str):
    whole = compose_run(["target=tydiqa", "data=sample", "model=scratch", "protocol=smoke"])
    found = offered("run", role, "=")
    assert {*found} == {name for name in ("none", *all_tasks()) if accepted(role, name, whole)}
    assert found == roles(role)


def test_in_a_grid_values_follow_a_comma():
    assert offered("sweep", "target", "=", "xnli,ty") == ["xnli,tydiqa"]
    assert "xnli,xnli" not in offered("plan", "target", "=", "xnli,")
    assert offered("run", "target", "=", "xnli,ty") == [], "a run takes one value"
    assert offered("sweep", "study", "=", "xtreme_") == ["xtreme_seeds"]


def test_languages_are_those_of_the_target():
    assert offered("run", "target", "=", "tydiqa", "languages", "=") == ["all", *sorted(TYDIQA)]
    assert offered("run", "target", "=", "tydiqa", "languages", "=", "[en,f") == ["[en,fi"]


def test_a_setting_that_is_given_is_not_offered_again():
    assert "model=" not in offered("run", "model", "=", "scratch", "")
    assert "model.hidden_size=" in offered("run", "model", "=", "scratch", "model.")
    assert "model.hidden_size=" not in offered("run", "model."), "XLM-R Large has its own"


def leaves(section: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for name, value in section.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}"


def test_every_setting_that_is_printed_is_offered_and_every_value_offered_is_taken():
    before = ["data=sample", "model=scratch"]
    printed = {name for name in leaves(compose_run(before)) if "." in name}
    groups = {name.partition(".")[0] for name in printed}
    keys = {key for group in groups for key in completions(f"{group}.", before, False)}
    assert {f"{name}=" for name in printed} - keys == {
        f"{name}=" for name in ("protocol.rules", "protocol.changed", "intermediate.task", "target.task")
    }
    values = [completions(key, before, False) for key in sorted(keys)]
    for number in range(max(map(len, values))):
        compose_run([*before, *(found[number] for found in values if number < len(found))])


def test_tasks_and_lists_are_offered_where_they_are_asked_for():
    assert offered("ls", "") == ["tasks", "models", "protocols", "studies", "data", "runs"]
    assert offered("show", "t") == ["task"]
    assert offered("show", "task", "xq") == ["xquad"]
    assert offered("report", "--target", "pan") == ["panx"]
    assert [name for name in offered("data", "fetch", "") if "=" not in name] == fetchable()
    assert offered("data", "fetch", "squad", "squ") == ["squad_v2"]


def test_why_is_offered_the_stages_of_the_workspace(tmp_path: Path):
    for name in ("squad-17845471", "tydiqa-68799c9e"):
        (tmp_path / "stages" / name).mkdir(parents=True)
    assert offered("why", "-w", str(tmp_path), "squ") == ["squad-17845471"]
    assert offered("why", "-w", str(tmp_path / "nowhere"), "squ") == []
    assert offered("why", "targ")[0].startswith("target=")


@pytest.mark.parametrize(
    "pieces",
    [("bogus", "x"), ("run", "--bogus", "m"), ("run", "=", "="), ("run", "a", "=", "b", "=", "c"), ("run", "'target"),
     ("run", "model", "=", "nosuch", "model."), ("run", "nosuch.x", "="), ("data", "x", ""), ("run", "protocol", "==", "x"),
     ("ls", "nosuch"), ("show", "tusk", "x", "y"), ("run", "protocol.variants.nosuch", "="), ("why", "-w", ""), ("run", "--limit", "")],
    ids=" ".join,
)  # fmt: skip
def test_nothing_that_can_be_typed_makes_it_fail_or_say_anything_else(pieces: tuple[str, ...]):
    said = pressed("stilts", *pieces)
    assert (said.code, said.err) == (0, "")


def test_zsh_and_fish_replace_the_whole_word():
    assert '"model=scratch"' in offered_elsewhere("zsh", "stilts run model=scr")
    assert offered_elsewhere("fish", "stilts run target=xnli model=xlmr_x").split() == [
        "model=xlmr_xl",
        "model=xlmr_xxl",
    ]
    assert offered_elsewhere("fish", "stilts sweep target=xnli,ty").split() == ["target=xnli,tydiqa"]
    assert "target=" not in offered_elsewhere("fish", "stilts run target=xnli ").split()


WATCHED = """
import sys
from stilts_xl.cli.app import main
try:
    main()
finally:
    print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)
"""


def watched(*words: str, **environment: str) -> tuple[float, str, set[str]]:
    """(processor seconds, standard output, top-level modules imported) of a call, the quickest of three."""
    found = []
    for _ in range(3):
        before = getrusage(RUSAGE_CHILDREN)
        run = run_process(
            [sys.executable, "-c", WATCHED, *words], capture_output=True, text=True, env=os.environ | environment
        )
        after = getrusage(RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found.append((seconds, run.stdout, {*run.stderr.split()}))
    return min(found, key=lambda one: one[0])


def test_tab_imports_nothing_heavy_and_costs_little_more_than_help():
    asked = {"_STILTS_COMPLETE": "complete_bash", "COMP_WORDS": "stilts\nrun\ntarget.lear", "COMP_CWORD": "2"}
    seconds, out, imported = watched(**asked)
    assert "target.learning_rate=" in out
    assert not imported & {"torch", "transformers", "datasets", "numpy", "hydra", "omegaconf", "huggingface_hub"}
    assert seconds < watched("run", "--help")[0] + 0.2


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder whose owner has installed the completion, with a folder and a program named stilts in it."""
    if shutil.which("bash") is None:
        pytest.skip("there is no bash")
    home = tmp_path_factory.mktemp("home")
    (home / "corpora of mine").mkdir()
    program = home / "bin" / "stilts"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "from stilts_xl.cli.app import main; main()" "$@"\n')
    program.chmod(0o755)
    said = "".join(interactive(home, ["stilts --install-completion"]))
    assert "bash completion installed in" in said, said
    assert (home / ".bashrc").read_text().count("source '") == 1
    return home


def interactive(home: Path, lines: list[str]) -> str:
    """What a terminal shows while an interactive bash reads these lines, in which a Tab is a Tab."""
    (home / ".inputrc").write_text("set enable-bracketed-paste off\nset bell-style none\n")
    around = {
        "HOME": str(home),
        "PATH": f"{home / 'bin'}:/usr/bin:/bin",
        "TERM": "dumb",
        "LC_ALL": "C.UTF-8",
        "PS1": "",
    }
    around |= {"PYTHONPATH": os.pathsep.join(sys.path), "INPUTRC": str(home / ".inputrc")}
    ours, theirs = pty.openpty()
    with Popen(["bash", "--noprofile", "-i"], stdin=theirs, stdout=theirs, stderr=theirs, env=around, cwd=home,
               start_new_session=True) as bash:  # fmt: skip
        os.close(theirs)
        os.write(ours, "".join(f"{line}\r" for line in [*lines, "exit"]).encode())
        shown = b""
        try:
            while select([ours], [], [], PATIENCE)[0] and (more := os.read(ours, 65536)):
                shown += more
        except OSError:
            pass  # how Linux says that the other side is closed
        bash.kill()
    os.close(ours)
    return shown.decode(errors="replace").replace("\r", "")


TYPED = {
    "run inter\tsqu\t_v\ttarget=ty\t": "run intermediate=squad_v2 target=tydiqa",
    "run target.lear\t3e-5 compute.slurm.part\tgpu": "run target.learning_rate=3e-5 compute.slurm.partition=gpu",
    "sweep stu\tsm\ttarget=xnli,ty\tseed=1": "sweep study=smoke target=xnli,tydiqa seed=1",
    "run data=lo\tdata.root=corp\tend": "run data=local data.root=corpora of mine/end",
    "run --dry\tmodel=scr\tmodel.hid\t64": "run --dry-run model=scratch model.hidden_size=64",
    "show t\txq\t": "show task xquad",
    "data fe\tmnl\tdata.r\t/tmp": "data fetch mnli data.root=/tmp",
}


def test_a_bash_that_has_it_installed_completes_what_is_typed(home: Path):
    """Before each line is sent, Ctrl-A and 'echo "<"' make it say what it has become; its end is marked by '>'."""
    lines = [f"stilts {line}\x01echo '<' \x05 '>'" for line in TYPED]
    shown = interactive(home, lines)
    became = [line[2:-2].split() for line in shown.splitlines() if line.startswith("< ") and line.endswith(" >")]
    assert became == [["stilts", *line.split()] for line in TYPED.values()], shown


def test_a_bash_that_has_it_installed_lists_the_values_of_a_setting(home: Path):
    shown = interactive(home, ["stilts run model=\t\t\x01# "])
    assert {*MODELS} <= {*shown.split()}
