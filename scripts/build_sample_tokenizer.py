"""Train the bundled tokenizer on all text of the tests' hand-written rows: `python scripts/build_sample_tokenizer.py`.

The result follows XLM-R: a SentencePiece Unigram model with the nmt_nfkc normaliser, `<s>`, `<pad>`, `</s>`, `<unk>`
at ids 0-3 and `<mask>` last. Needs `sentencepiece` and `protobuf`, which only this script uses.
"""

import io
from collections.abc import Iterator
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from transformers import AddedToken, XLMRobertaTokenizer

from stilts_xl.core.example import Example
from stilts_xl.data.formats import read
from stilts_xl.data.sources import Found, locate
from stilts_xl.run.resolve import TOKENIZER
from stilts_xl.tasks.catalog import all_tasks

ROWS = Path(__file__).resolve().parents[1] / "tests" / "sample"
PIECES = 3500
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
TEXT_FIELDS = ("text_a", "text_b", "question", "context", "prompt", "text", "translation")


def row_files() -> Iterator[tuple[Found, str]]:
    """Every split's files once, with their language: in the order of the catalog, of splits and of languages."""
    seen = set()
    for task in all_tasks().values():
        for split in ("train", "validation", "test"):
            for language in (*task.train_languages, *task.languages, *task.extra_languages):
                found = locate(task, split, language, ROWS)
                if isinstance(found, Found) and found.paths not in seen:
                    seen.add(found.paths)
                    yield found, language


def row_texts() -> Iterator[str]:
    """What a model reads of the files; each text once a file, as a passage has several questions."""
    for found, language in row_files():
        examples = [found.layout.example(row, language) for _, row in read(found.paths, found.layout)]
        yield from dict.fromkeys(text for example in examples for text in texts_of(example) if text)


def texts_of(example: Example | None) -> Iterator[str]:
    """The texts of an example of any shape; the words of a sentence are one text, each option is one."""
    for name in TEXT_FIELDS:
        yield getattr(example, name, "")
    yield " ".join(getattr(example, "words", ()))
    yield from getattr(example, "options", ())


def train(texts: Iterator[str]) -> sentencepiece_model_pb2.ModelProto:
    """A Unigram model of at most PIECES pieces that covers every character of the texts."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=texts,
        model_writer=written,
        model_type="unigram",
        vocab_size=PIECES - len(SPECIAL) + 2,  # sentencepiece counts <unk>, <s> and </s>; <pad> and <mask> are ours
        hard_vocab_limit=False,
        character_coverage=1.0,
        normalization_rule_name="nmt_nfkc",
        num_threads=1,
        minloglevel=2,
    )
    return sentencepiece_model_pb2.ModelProto.FromString(written.getvalue())


def main() -> None:
    """Write the tokenizer folder and print its size."""
    model = train(row_texts())
    normal = [(p.piece, p.score) for p in model.pieces if p.type == p.NORMAL]
    vocab = [(piece, 0.0) for piece in SPECIAL] + normal + [("<mask>", 0.0)]
    tokenizer = XLMRobertaTokenizer(
        vocab=vocab,
        mask_token=AddedToken("<mask>", lstrip=True, normalized=False, special=True),
        # The class rebuilds its pipeline on loading and keeps no normaliser but a precompiled one.
        _spm_precompiled_charsmap=model.normalizer_spec.precompiled_charsmap,
        model_max_length=512,
    )
    tokenizer.save_pretrained(TOKENIZER)
    print(f"{len(tokenizer)} pieces in {TOKENIZER}")


if __name__ == "__main__":
    main()
