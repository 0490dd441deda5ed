"""Train the bundled sample tokenizer on all text of the sample files: `python scripts/build_sample_tokenizer.py`.

The result follows XLM-R: a SentencePiece Unigram model with the nmt_nfkc normaliser, `<s>`, `<pad>`, `</s>`, `<unk>`
at ids 0-3 and `<mask>` last. Needs `sentencepiece` and `protobuf`, which only this script uses.
"""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from transformers import AddedToken, XLMRobertaTokenizer

SAMPLE = Path(__file__).resolve().parents[1] / "src" / "stilts_xl" / "data" / "sample"
PIECES = 4000
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]


def sample_texts() -> Iterator[str]:
    """Every context, question, answer and sentence of the sample files, in the order of their paths."""
    for path in sorted(SAMPLE.glob("*/**/*")):
        if path.suffix == ".json" and path.parent.name != "tokenizer":
            for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
                for paragraph in article["paragraphs"]:
                    yield paragraph["context"]
                    for question in paragraph["qas"]:
                        yield question["question"]
                        yield from (answer["text"] for answer in question["answers"])
        elif path.suffix == ".jsonl":
            for line in path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                yield from (row["sentence1"], row["sentence2"])
        elif path.suffix == ".tsv":
            for line in path.read_text(encoding="utf-8").splitlines():
                yield from line.split("\t")[:2]


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
    model = train(sample_texts())
    normal = [(p.piece, p.score) for p in model.pieces if p.type == p.NORMAL]
    vocab = [(piece, 0.0) for piece in SPECIAL] + normal + [("<mask>", 0.0)]
    tokenizer = XLMRobertaTokenizer(
        vocab=vocab,
        mask_token=AddedToken("<mask>", lstrip=True, normalized=False, special=True),
        # The class rebuilds its pipeline on loading and keeps no normaliser but a precompiled one.
        _spm_precompiled_charsmap=model.normalizer_spec.precompiled_charsmap,
        model_max_length=512,
    )
    tokenizer.save_pretrained(SAMPLE / "tokenizer")
    print(f"{len(tokenizer)} pieces in {SAMPLE / 'tokenizer'}")


if __name__ == "__main__":
    main()
