"""Tiny repositories in the schema of the Hub's copies, made in temporary folders and put on a loopback hub."""

import json
from pathlib import Path
from typing import Any

from datasets import ClassLabel, Dataset, Features, List, Value

from hub_server import Hub
from stilts_xl.tasks.catalog import all_tasks
from stilts_xl.tasks.languages import ISO3

ANSWERS = {"text": List(Value("string")), "answer_start": List(Value("int32"))}
QUESTION = {"id": Value("string"), "context": Value("string"), "question": Value("string"), "answers": ANSWERS}
TITLED = Features({**QUESTION, "title": Value("string")})
LABEL = ClassLabel(names=["entailment", "neutral", "contradiction"])
PAIR = {"premise": Value("string"), "hypothesis": Value("string"), "label": LABEL}


def asking(id: str, context: str, answer: str, start: int, **more: str) -> dict[str, Any]:
    """A row in SQuAD's schema."""
    return {
        "id": id,
        "context": context,
        "question": f"{id}?",
        "answers": {"text": [answer], "answer_start": [start]},
        **more,
    }


def pairs(*labels: int, **more: Any) -> list[dict[str, Any]]:
    """NLI rows with these integer labels."""
    return [
        {"premise": "Snow fell.", "hypothesis": f"It was cold {n}.", "label": label, **more}
        for n, label in enumerate(labels)
    ]


def card(configs: dict[str, dict[str, str]], rows: dict[str, int] | None = None) -> str:
    """A README with the YAML that names each configuration's files, and the rows that it publishes for its splits."""
    listed = [
        {"config_name": name, "data_files": [{"split": split, "path": path} for split, path in files.items()]}
        for name, files in configs.items()
    ]
    counted = [{"name": split, "num_bytes": 1, "num_examples": count} for split, count in (rows or {}).items()]
    infos = [{"config_name": next(iter(configs)), "splits": counted}] if rows else []
    return f"---\n{json.dumps({'configs': listed, 'dataset_info': infos})}\n---\n# A data set\n"


def write(folder: Path, readme: str, parquet: dict[str, Dataset]) -> Path:
    """A repository's files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(readme, encoding="utf-8")
    for name, rows in parquet.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        rows.to_parquet(folder / name)
    return folder


def tydiqa(folder: Path, second_answer: str = "France") -> Path:
    """Four training questions in three languages; the second English answer stands one place before its offset."""
    train = [
        asking("finnish-7-0", "Helsinki on Suomessa.", "Suomessa", 12, title="Helsinki"),
        asking("english-1-0", "Rome is in Italy.", "Italy", 11, title="Rome"),
        asking("arabic-3-1", "تقع القاهرة في مصر", "مصر", 15, title="القاهرة"),
        asking("english-2-0", f"Paris is in {second_answer}.", second_answer, 13, title="Paris"),
    ]
    validation = [
        asking("english-8-0", "Oslo is in Norway.", "Norway", 11, title="Oslo"),
        asking("finnish-9-0", "Turku on Suomessa.", "Suomessa", 9, title="Turku"),
    ]
    configs = {
        name: {"train": f"{name}/train-*", "validation": f"{name}/validation-*"}
        for name in ("secondary_task", "primary_task")
    }
    write(
        folder,
        card(configs, {"train": 4, "validation": 2}),
        {
            "secondary_task/train-00000-of-00001.parquet": Dataset.from_list(train, features=TITLED),
            "secondary_task/validation-00000-of-00001.parquet": Dataset.from_list(validation, features=TITLED),
            "primary_task/train-00000-of-00001.parquet": Dataset.from_list([{"passage": "not read"}]),
        },
    )
    (folder / "tydiqa.py").write_text("raise SystemExit('code of a repository was run')\n", encoding="utf-8")
    return folder


def xquad(folder: Path) -> Path:
    """One question in each of two languages, without titles, as on the Hub."""
    rows = {
        code: [asking("56beb", context, answer, 0)]
        for code, context, answer in (("el", "Η Αθήνα", "Η Αθήνα"), ("en", "Athens", "Athens"))
    }
    files = {
        f"xquad.{code}/validation-00000-of-00001.parquet": Dataset.from_list(found, features=Features(QUESTION))
        for code, found in rows.items()
    }
    return write(folder, card({f"xquad.{code}": {"validation": f"xquad.{code}/validation-*"} for code in rows}), files)


def squad(folder: Path) -> Path:
    """Three questions about two articles in two shards of JSON lines."""
    write(folder, card({"plain_text": {"train": "plain_text/train-*"}}, {"train": 3}), {})
    shards = [
        [
            asking("a", "Bees make honey.", "honey", 10, title="Bee"),
            asking("b", "Bees make honey.", "Bees", 0, title="Bee"),
        ],
        [asking("c", "Ants dig.", "Ants", 0, title="Ant")],
    ]
    (folder / "plain_text").mkdir()
    for number, rows in enumerate(shards):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"plain_text/train-{number:05d}-of-00002.jsonl").write_text(lines, encoding="utf-8")
    return folder


def xnli(folder: Path) -> Path:
    """Swahili pairs with each label, and one without a majority."""
    file = {"sw/test-00000-of-00001.parquet": Dataset.from_list(pairs(0, 1, -1, 2), features=Features(PAIR))}
    return write(folder, card({"sw": {"test": "sw/test-*"}}), file)


def multi_nli(folder: Path) -> Path:
    """MultiNLI's columns, labels -1 included, and a second validation file that must not be taken for the first."""
    features = Features({"promptID": Value("int32"), "pairID": Value("string"), **PAIR, "genre": Value("string")})
    rows = pairs(2, -1, 0, 1, promptID=1, genre="fiction")
    rows = [{**row, "pairID": f"{number}e"} for number, row in enumerate(rows)]
    splits = ("train", "validation_matched", "validation_mismatched")
    files = {f"data/{split}-00000-of-00001.parquet": Dataset.from_list(rows, features=features) for split in splits}
    return write(folder, card({"default": {split: f"data/{split}-*" for split in splits}}), files)


def anli(folder: Path) -> Path:
    """Three rounds of two, one and three training pairs."""
    features = Features({"uid": Value("string"), **PAIR, "reason": Value("string")})
    rounds = {1: (0, 1), 2: (2,), 3: (2, 1, 0)}
    files = {
        f"plain_text/train_r{number}-00000-of-00001.parquet": Dataset.from_list(
            [
                {**row, "premise": f"Round {number}.", "uid": f"r{number}-{index}", "reason": ""}
                for index, row in enumerate(pairs(*labels))
            ],
            features=features,
        )
        for number, labels in rounds.items()
    }
    listed = {f"train_r{number}": f"plain_text/train_r{number}-*" for number in rounds}
    counts = {f"train_r{number}": len(labels) for number, labels in rounds.items()}
    return write(folder, card({"plain_text": listed}, counts), files)


def xtreme(folder: Path) -> Path:
    """One English test sentence with names and one with parts of speech, under the names of XTREME's collection."""
    names = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
    named = Features({"tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=names))})
    upos = [
        "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ",
        "SYM", "VERB", "X",
    ]  # fmt: skip
    tagged = Features({"tokens": List(Value("string")), "pos_tags": List(ClassLabel(names=upos))})
    files = {
        "PAN-X.en/test-0.parquet": Dataset.from_list([{"tokens": ["In", "Oslo"], "ner_tags": [0, 5]}], features=named),
        "udpos.English/test-0.parquet": Dataset.from_list(
            [{"tokens": ["Snow", "fell"], "pos_tags": [7, 15]}], features=tagged
        ),
    }
    listed = {name: {"test": f"{name}/test-*"} for name in ("PAN-X.en", "udpos.English")}
    return write(folder, card(listed, {"test": 1}), files)


def tatoeba(folder: Path, aligned: Path, languages: tuple[str, ...]) -> Path:
    """LASER's aligned files as XTREME's collection has them: pairs whose texts keep their line ends.

    Every second language has English as its source.
    """
    files, listed = {}, {}
    for number, language in enumerate(languages):
        code = ISO3[language]
        foreign, english = (
            (aligned / f"tatoeba.{code}-eng.{side}").read_text(encoding="utf-8").splitlines() for side in (code, "eng")
        )
        rows = [
            {"source_sentence": f"{a}\n", "target_sentence": f"{b}\n", "source_lang": code, "target_lang": "eng"}
            for a, b in zip(foreign, english, strict=True)
        ]
        if number % 2:
            rows = [{name: row[other] for name, other in SWAPPED.items()} for row in rows]
        files[f"tatoeba.{code}/validation-0.parquet"] = Dataset.from_list(rows)
        listed[f"tatoeba.{code}"] = {"validation": f"tatoeba.{code}/validation-*"}
    return write(folder, card(listed), files)


SWAPPED = {
    "source_sentence": "target_sentence",
    "target_sentence": "source_sentence",
    "source_lang": "target_lang",
    "target_lang": "source_lang",
}

REPOSITORIES = {
    "google-research-datasets/tydiqa": tydiqa,
    "google/xquad": xquad,
    "rajpurkar/squad": squad,
    "facebook/xnli": xnli,
    "nyu-mll/multi_nli": multi_nli,
}


def pinned(repo: str) -> str:
    """The commit that the tasks name of a repository."""
    (commit,) = {task.hub.revision for task in all_tasks().values() if task.hub is not None and task.hub.repo == repo}
    return commit


def publish(hub: Hub, repo: str, folder: Path, more: dict[str, bytes] | None = None) -> str:
    """Put a repository on a hub under the commit that the tasks name, and return that."""
    return hub.commit("dataset", repo, folder, pinned(repo), more)


def fill(hub: Hub, folder: Path) -> dict[str, str]:
    """Every repository on a hub under its pinned commit, which is on 'main' too; repository -> commit."""
    return {name: publish(hub, name, make(folder / name)) for name, make in REPOSITORIES.items()}
