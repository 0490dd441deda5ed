"""A wrong call ends in one to three lines that say what was asked, what was found and what to do; nothing is trained."""

import json
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from calling import NO_DATA, TINY, Said, call, call_apart
from sample_rows import ROWS, SAMPLE_ROOT

DEV_EN = "tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.en.dev.json"
TRAIN_EN = "tydiqa/tydiqa-goldp-v1.1-train/tydiqa.goldp.en.train.json"


def require_told(said: Said, *parts: str, before: str = "") -> None:
    """The form that every error has; ``before`` are the first signs of the progress lines that may precede it."""
    lines = said.err.splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("error: "))
    assert said.code == 2, said.err
    assert all(line[0] in before for line in lines[:begin]), said.err
    assert len(lines) - begin <= 3, said.err
    for strange in ("Traceback", "╭", "│", "ydra", "mega", "{'type'"):
        assert strange not in said.err
    for part in parts:
        assert part in said.err


SETTINGS = {
    "unknown target": (["target=tydqa"], "unknown target 'tydqa'", "Did you mean 'tydiqa'?", "known: anli, anli_plus"),
    "unknown intermediate": (["intermediate=squda", "target=tydiqa"], "unknown intermediate 'squda'", "'squad'", "none"),
    "unknown task that is like nothing": (["target=zzz"], "unknown target 'zzz'.\nknown: "),
    "unknown model": (["target=tydiqa", "model=xlmr_bsae"], "unknown model 'xlmr_bsae'", "'xlmr_base'", "scratch"),
    "unknown protocol": (["target=tydiqa", "protocol=phang"], "unknown protocol 'phang'", "'phang2020'"),
    "unknown data": (["target=tydiqa", "data=hbu"], "unknown data 'hbu'", "'hub'"),
    "a group without a name": (["target=tydiqa", "model="], "unknown model ''", "known: "),
    "unknown key": (["target=tydiqa", "trackr=none"], "unknown setting 'trackr'", "'tracker'"),
    "unknown key of a phase": (["target=tydiqa", "target.learning_rat=1"], "'target.learning_rate'", "known in target: "),
    "unknown key of the model": (["target=tydiqa", "model.hidden=1"], "unknown setting 'model.hidden'", "hidden_size"),
    "a phase's key without its phase": (["target=tydiqa", "learning_rate=1"], "target.learning_rate=…", "--cfg"),
    "a key below a value": (["target=tydiqa", "seed.x=1"], "unknown setting 'seed.x'", "known: "),
    "an added key": (["target=tydiqa", "+extra=1"], "'+extra=1'", "cannot be added", "stilts run --cfg"),
    "a removed key": (["target=tydiqa", "~seed"], "'~seed'", "cannot be added or removed"),
    "a mapping": (["target={task:tydiqa}"], "one setting at a time"),
    "two values": (["target=tydiqa,xquad"], "'target=tydiqa,xquad'", "run takes one value"),
    "two seeds": (["target=tydiqa", "seed=1,2"], "'seed=1,2'", "run takes one value"),
    "a setting twice": (["target=tydiqa", "target=xquad"], "set twice, by 'target=tydiqa' and 'target=xquad'"),
    "no target": ([], "which target?", "stilts run intermediate=squad target=tydiqa", "known: "),
    "an empty target": (["target="], "which target?"),
    "no equals sign": (["tydiqa"], "'tydiqa' is not a setting", "target=tydiqa"),
    "a broken value": (["target=[tydiqa"], "'target=[tydiqa' is not a setting"),
    "text for a number": (["target=tydiqa", "target.learning_rate=fast"], "target.learning_rate", "a number", "'fast'"),
    "a fraction for a count": (["target=tydiqa", "target.batch_size=1.5"], "target.batch_size", "whole number", "1.5"),
    "a list for a number": (["target=tydiqa", "target.epochs=[1,2]"], "target.epochs", "a number", "[1, 2]"),
    "true for a number": (["target=tydiqa", "seed=true"], "seed", "a whole number", "True"),
    "zero epochs": (["target=tydiqa", "target.epochs=0"], "target.epochs", "more than 0"),
    "an endless number": (["target=tydiqa", "target.weight_decay=inf"], "target.weight_decay", "finite", "inf"),
    "a share above 1": (["target=tydiqa", "target.warmup_fraction=2"], "between 0 and 1", "2.0"),
    "a negative seed": (["target=tydiqa", "seed=-1"], "seed", "not negative", "-1"),
    "an unknown choice": (["target=tydiqa", "compute.device=gpu"], "unknown compute.device 'gpu'", "auto, cpu, cuda"),
    "an unresolvable value": (["target=tydiqa", "seed=${sed}"], "seed=${sed}", "'sed' not found"),
    "unknown language": (["target=tydiqa", "languages=[en,xx]"], "unknown language of tydiqa 'xx'", "known: ar"),
    "no language": (["target=tydiqa", "languages=[]"], "languages is empty", "languages=all"),
    "a split that is not there": (["target=xquad", "target.split=validation"], "xquad has no validation", "only test"),
    "an unknown split": (["target=xquad", "target.split=dev"], "unknown target.split 'dev'", "test, validation"),
    "more tokens than positions": (["target=tydiqa", "target.max_length=600"], "600", "model.max_positions=514"),
    "no room for a passage": (["target=tydiqa", "target.max_length=35"], "max_length=35", "max_query_length=32"),
    "heads that do not divide": (["target=tydiqa", "model.hidden_size=65"], "model.hidden_size=65", "model.heads=2"),
    "a tokenizer that is not there": (["target=tydiqa", "model.tokenizer=/nowhere"], "model.tokenizer=/nowhere"),
    "a root for other data": (["target=tydiqa", "data=sample", "data.root=/data"], "data.root=/data", "add data=local"),
}  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
def test_a_wrong_setting_is_named(name: str, tmp_path: Path):
    words, *parts = SETTINGS[name]
    own = {word.partition("=")[0] for word in words}
    said = call("run", *words, *(word for word in TINY if word.partition("=")[0] not in own), "-w", tmp_path)
    require_told(said, *parts, before="✓")
    assert not list(tmp_path.glob("stages/*"))


COMMANDS = {
    "unknown verb": (["rnu"], "no such command 'rnu'", "'run'", "stilts --help"),
    "unknown option": (["run", "--frobnicate"], "no such option: --frobnicate", "stilts run --help"),
    "an option before the verb": (["--frobnicate", "run"], "no such option: --frobnicate", "stilts --help"),
    "an option without its value": (["report", "--format"], "'--format' requires an argument", "--help"),
    "a limit that is no number": (["run", "--limit", "x"], "'--limit'", "stilts run --help"),
    "a negative limit": (["run", "--limit", "-3"], "'--limit'", "greater than or equal to 0"),
    "a missing word": (["show", "task"], "missing argument 'name'", "stilts show --help"),
    "an unknown task to show": (["show", "task", "tydqa"], "unknown task 'tydqa'", "Did you mean 'tydiqa'?"),
    "an unknown thing to show": (["show", "tusk", "xnli"], "unknown thing to show 'tusk'", "task"),
    "an unknown thing to list": (["ls", "modles"], "unknown thing to list 'modles'", "'models'"),
    "an unknown format": (["report", "-f", "xml"], "unknown format 'xml'", "table"),
    "an unknown target to report": (["report", "--target", "tydqa"], "unknown target 'tydqa'", "'tydiqa'"),
    "an unknown stage": (["why", "squad-00000000", "-w", "empty"], "empty knows no stages yet", "stilts run"),
    "two stages": (["why", "squad-00000000", "squad-11111111"], "one stage at a time"),
    "a report on an empty workspace": (["report", "-w", "empty"], "empty holds no predictions", "stilts run"),
    "runs of an empty workspace": (["ls", "runs", "-w", "empty"], "empty holds no runs", "stilts run"),
    "an empty cache": (["cache", "ls", "-w", "empty"], "empty holds no stages", "stilts run"),
    "nothing to verify": (["cache", "verify", "-w", "empty"], "empty holds no stages", "-w names another"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_wrong_command_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    words, *parts = COMMANDS[name]
    require_told(call(*words), *parts)
    assert not list(tmp_path.iterdir())


def cut_short(root: Path) -> None:
    text = (root / DEV_EN).read_text(encoding="utf-8")
    (root / DEV_EN).write_text(text[: len(text) // 2], encoding="utf-8")


def change_question(path: Path, change: Callable[[dict], None]) -> None:
    whole = json.loads(path.read_text(encoding="utf-8"))
    change(whole["data"][0]["paragraphs"][0]["qas"][0])
    path.write_text(json.dumps(whole, ensure_ascii=False), encoding="utf-8")


def move_answer_away(root: Path) -> None:
    change_question(root / TRAIN_EN, lambda qa: qa["answers"][0].update(text="nowhere at all"))


def add_foreign_question(root: Path) -> None:
    change_question(root / TRAIN_EN, lambda qa: qa.update(id="finnish-1-0"))


def forget_answer(root: Path) -> None:
    change_question(root / TRAIN_EN, lambda qa: qa.update(answers=[]))


def change_line(path: Path, number: int, change: Callable[[str], str]) -> None:
    lines = path.read_text(encoding="utf-8").split("\n")
    lines[number - 1] = change(lines[number - 1])
    path.write_text("\n".join(lines), encoding="utf-8")


def drop_columns(root: Path) -> None:
    change_line(root / "xnli/test-de.tsv", 3, lambda line: line.split("\t")[0])


def invent_label(root: Path) -> None:
    change_line(root / "xnli/test-sw.tsv", 2, lambda line: line.rsplit("\t", 1)[0] + "\tperhaps")


def empty_split(root: Path) -> None:
    (root / "xnli/test-fr.tsv").write_text("", encoding="utf-8")


def not_text(root: Path) -> None:
    (root / "xnli/test-ar.tsv").write_bytes(b"\xff\xfe\x00premise\thypothesis\tneutral\n")


def no_training_file(root: Path) -> None:
    (root / TRAIN_EN).unlink()


def no_target_file(root: Path) -> None:
    shutil.rmtree(root / "xquad")


DATA = {
    cut_short: ("tydiqa", "tydiqa.goldp.en.dev.json, line", "expected JSON", "cut short?"),
    move_answer_away: ("tydiqa", TRAIN_EN, "expected the answer in its context", "'nowhere at all'"),
    add_foreign_question: ("tydiqa", TRAIN_EN, "tydiqa training rows in 'en'", "'finnish-1-0'"),
    forget_answer: ("tydiqa", TRAIN_EN, "expected an answer, found none"),
    drop_columns: ("xnli", "xnli/test-de.tsv, line 3", "expected 3 columns", "found 1"),
    invent_label: ("xnli", "xnli/test-sw.tsv, line 2", "contradiction, entailment, neutral", "'perhaps'"),
    empty_split: ("xnli", "xnli/test-fr.tsv", "expected xnli test rows, found none"),
    not_text: ("xnli", "xnli/test-ar.tsv, byte 0", "expected UTF-8 text"),
    no_training_file: ("tydiqa", f"looked for {TRAIN_EN}", "stilts show task tydiqa", "stilts data check"),
    no_target_file: ("xquad", "no test file of xquad", "xquad/xquad.en.json", "stilts show task xquad"),
}


ABSENT = (no_training_file, no_target_file)


@pytest.mark.parametrize("spoil", DATA, ids=lambda spoil: spoil.__name__)
def test_a_fault_in_the_data_is_placed_before_anything_is_trained(spoil: Callable[[Path], None], tmp_path: Path):
    root = tmp_path / "root"
    shutil.copytree(SAMPLE_ROOT, root)
    spoil(root)
    target, *parts = DATA[spoil]
    where = ("data=local", f"data.root={root}", "-w", tmp_path / "w")
    said = call("run", "intermediate=squad", f"target={target}", *NO_DATA, *where)
    require_told(said, *parts, "stilts show" if spoil in ABSENT else "nothing was trained; stilts data check")
    assert not list(tmp_path.glob("w/stages/*"))
    checked = call("data", "check", "intermediate=squad", f"target={target}", *NO_DATA, *where)
    if spoil not in ABSENT:
        require_told(checked, "1 of ", "cannot be used")
        assert all(part in checked.out for part in parts[1:])
        assert checked.out.count("✗") == 1


def test_a_root_must_be_a_folder(tmp_path: Path):
    (tmp_path / "file").touch()
    for root in ("file", "nowhere"):
        where = (f"data.root={tmp_path / root}", "-w", tmp_path / "w")
        require_told(
            call("run", "target=tydiqa", *NO_DATA, "data=local", *where), root, "is not a folder", "data=sample"
        )


def test_local_data_need_a_root(tmp_path: Path):
    said = call("run", "target=tydiqa", *NO_DATA, "data=local", "-w", tmp_path)
    require_told(said, "data=local needs data.root=DIR")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_refused_before_anything_is_trained(tmp_path: Path):
    said = call("run", "target=tydiqa", *ROWS, "model=scratch", "protocol=smoke", "compute.device=cuda", "-w", tmp_path)
    require_told(said, "compute.device=cuda", "stilts doctor", "compute.device=cpu works", before="✓")
    assert not list(tmp_path.glob("stages/*"))


@pytest.mark.skipif(find_spec("mlflow") is not None, reason="mlflow is installed")
def test_a_tracker_that_is_not_there_is_refused_before_anything_is_trained(tmp_path: Path):
    said = call("run", "target=tydiqa", *TINY, "tracker=mlflow", "-w", tmp_path)
    require_told(said, "tracker=mlflow: mlflow is not installed", "pip install", "tracker=none", before="✓")
    assert not list(tmp_path.glob("stages/*"))


def test_a_workspace_that_cannot_be_written_is_refused(tmp_path: Path):
    (tmp_path / "file").touch()  # nobody can write below a file, not even root
    said = call("run", "target=tydiqa", *TINY, "-w", tmp_path / "file" / "w")
    require_told(said, "file/w cannot be written", "-w DIR or STILTS_WORKSPACE")


@pytest.fixture(scope="module")
def whole_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model's folder: what a training leaves."""
    workspace = tmp_path_factory.mktemp("model")
    assert call("run", "target=mnli", *TINY, "-w", workspace).code == 0
    (folder,) = (path.parent for path in workspace.glob("stages/*/model.safetensors"))
    return folder


def no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def change_config(folder: Path, **values: object) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | values), encoding="utf-8")


def another_architecture(folder: Path) -> None:
    change_config(folder, model_type="bert")


def unheard_of_architecture(folder: Path) -> None:
    change_config(folder, model_type="perceptron")


def broken_config(folder: Path) -> None:
    (folder / "config.json").write_text("{", encoding="utf-8")


def broken_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")


def cut_weights(folder: Path) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])


def no_real_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")


def weights_of_another_size(folder: Path) -> None:
    change_config(folder, hidden_size=32)


def lost_tensors(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if "layer.1." not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


MODELS = {
    no_config: ("holds no config.json", "Hugging Face folder"),
    no_weights: ("holds no weights", "only safetensors are read"),
    no_tokenizer: ("holds no tokenizer.json",),
    another_architecture: ("'bert' model", "xlm-roberta"),
    unheard_of_architecture: ("is not a model folder", "perceptron"),
    broken_config: ("is not a model folder",),
    broken_tokenizer: ("no tokenizer can be loaded",),
    cut_weights: ("cannot be loaded", "fetch or copy"),
    no_real_weights: ("cannot be loaded", "fetch or copy"),
    weights_of_another_size: ("do not fit its config.json", "expected (", "fetch or copy"),
    lost_tensors: ("lack", "layer.1."),
}


@pytest.mark.parametrize("spoil", MODELS, ids=lambda spoil: spoil.__name__)
def test_a_folder_that_is_no_whole_model_is_refused(spoil: Callable[[Path], None], whole_model: Path, tmp_path: Path):
    folder = tmp_path / "model"
    shutil.copytree(whole_model, folder)
    spoil(folder)
    words = ("target=mnli", *ROWS, *NO_DATA[1:], f"model.path={folder}", "-w", tmp_path / "w")
    require_told(call("run", *words), str(folder), *MODELS[spoil], before="✓✗")
    assert not list(tmp_path.glob("w/stages/*"))


def test_a_local_model_is_asked_for_its_positions_before_the_first_phase(whole_model: Path, tmp_path: Path):
    words = ("intermediate=mnli", "target=tydiqa", *ROWS, *NO_DATA[1:], f"model.path={whole_model}")
    said = call("run", *words, "target.max_length=600", "-w", tmp_path)
    require_told(said, "tydiqa: max_length=600", "512 positions", "target.max_length=512", before="✓")
    assert not list(tmp_path.glob("stages/*"))


def test_a_tokenizer_that_is_no_folder_is_named(tmp_path: Path):
    said = call("run", "target=tydiqa", *TINY, f"model.tokenizer={tmp_path}", "-w", tmp_path / "w")
    require_told(said, str(tmp_path), "tokenizer.json")


def test_offline_a_model_that_was_never_resolved_is_refused_with_what_works(tmp_path: Path):
    said = call_apart("run", "target=tydiqa", *ROWS, "--offline", "-w", tmp_path)
    require_told(said, "--offline", "FacebookAI/xlm-roberta-large", "run once without --offline")


@pytest.mark.parametrize("words", [("rnu",), ("run", "target=tydqa")], ids=" ".join)
def test_a_process_of_its_own_says_the_same(words: tuple[str, ...], tmp_path: Path):
    apart = call_apart(*words, cwd=tmp_path)
    require_told(apart)
    assert (apart.code, apart.err, apart.out) == (2, call(*words).err, "")
