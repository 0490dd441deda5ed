"""The steps of scripts/build_mini.sh that are not a run of stilts: what the mini encoder reads and begins with, its export.

Needs `sentencepiece` and `protobuf` (`pip install -e '.[build]'`), which only scripts use.
"""

import argparse
import io
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256
from math import log
from pathlib import Path

import sentencepiece
import torch
from safetensors.torch import load_file, save_file
from sentencepiece import sentencepiece_model_pb2
from transformers import AddedToken, PreTrainedTokenizerBase, XLMRobertaTokenizer

from stilts_xl.core.stage import Scratch
from stilts_xl.data.world.documents import apart, sentences, write_documents
from stilts_xl.data.world.language import Language, languages
from stilts_xl.data.world.render import Sentence, text_of
from stilts_xl.kinds import mlm
from stilts_xl.kinds.texts import ids_of
from stilts_xl.model.embeddings import first_vectors, occurrences
from stilts_xl.model.encoder import TaskModel, from_scratch, save
from stilts_xl.model.first_weights import content_size, prime, prime_language_head
from stilts_xl.model.heads import initialise

SEED = 1
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
SHAPE = Scratch(
    hidden_size=128, layers=4, heads=4, intermediate_size=512, max_positions=514, dropout=0.0, seed=SEED, tokenizer=""
)
SENTENCES = 4000
"""Parallel sentences that the pieces, and their first vectors, are made from."""
RULES = "nmt_nfkc"
FALLBACK = 1500
FAR = 30.0
"""How much less likely the pieces of the small model are than words."""
BEGIN = "▁"
"""Stands before what has a space before it."""
normalise = sentencepiece.SentencePieceNormalizer(rule_name=RULES).normalize


def write_text(folder: Path, documents: int) -> None:
    """The text that it reads, in the layout of ``data=local``."""
    write_documents(folder, SEED, documents, documents // 20)


def write_start(folder: Path, pieces: int) -> None:
    """Tokenizer and untrained encoder: XLM-R's architecture, its sub-tokens' vectors made from parallel sentences."""
    folder.mkdir(parents=True, exist_ok=True)
    found = list(sentences(SEED, SENTENCES))
    tokenizer = tokenizer_of(found, pieces)
    codes = list(languages())
    texts = [
        (number, codes.index(language.code), text)
        for number, language, tokens in found
        for text in (text_of(language, tokens), apart(tokens))
    ]
    ids = ids_of([text for *_, text in texts], tokenizer)
    counts, by_language = (
        occurrences(((text[which], one) for text, one in zip(texts, ids, strict=True)), len(tokenizer), columns)
        for which, columns in ((0, SENTENCES), (1, len(codes)))
    )
    size = content_size(SHAPE.hidden_size, SHAPE.heads)
    vectors = first_vectors(counts, by_language, size, SHAPE.hidden_size**-0.5, SEED)
    encoder = from_scratch(SHAPE, tokenizer)
    ordinary = [number for number in range(len(tokenizer)) if number not in tokenizer.all_special_ids]
    prime(encoder, vectors, ordinary, SEED)
    head = mlm.head(encoder, ())
    initialise(head, 0.0, torch.Generator())
    prime_language_head(head, counts)
    save(TaskModel(encoder, {"tlm": head}, "padded"), tokenizer, (), folder)
    print(f"{len(tokenizer)} pieces, {sum(p.numel() for p in encoder.parameters())} parameters in {folder}")


def tokenizer_of(found: Iterable[tuple[int, Language, Sentence]], pieces: int) -> PreTrainedTokenizerBase:
    """XLM-R's tokenizer, `<s>`, `<pad>`, `</s>`, `<unk>` at ids 0-3 and `<mask>` last, over pieces of our own.

    They are the words of the sentences, as many as there is room for, the most frequent first; and, for what is no such
    word, the pieces of a small Unigram model with every character. A word is always preferred to parts.
    """
    often = Counter(word for _, language, tokens in found for word in words_of(language, tokens))
    parts = unigram([*dict.fromkeys(apart(tokens) for _, _, tokens in found)])
    fallback = {p.piece: p.score - FAR for p in parts.pieces if p.type == p.NORMAL}
    room = pieces - len(SPECIAL) - 1 - len(fallback.keys() - often.keys())
    total = often.total()
    words = {word: log(count / total) for word, count in often.most_common(room)}
    normal = {**words, **{piece: score for piece, score in fallback.items() if piece not in words}}
    print(f"{len(words)} of {len(often)} words, {len(normal) - len(words)} other pieces")
    return XLMRobertaTokenizer(
        vocab=[(piece, 0.0) for piece in SPECIAL] + list(normal.items()) + [("<mask>", 0.0)],
        mask_token=AddedToken("<mask>", lstrip=True, normalized=False, special=True),
        # The class rebuilds its pipeline on loading and keeps no normaliser but a precompiled one.
        _spm_precompiled_charsmap=parts.normalizer_spec.precompiled_charsmap,
        model_max_length=SHAPE.max_positions - 2,
    )


def words_of(language: Language, tokens: Sentence) -> Iterator[str]:
    """The pieces that a sentence would have were each of its tokens one, with spaces between all tokens and as written."""
    joined = True
    for number, token in enumerate(tokens):
        begins = number == 0 or (language.space != "" and not token.left and not joined)
        joined = token.right
        first, *others = normalise(token.text).replace(BEGIN, " ").split()
        yield from (BEGIN + first, BEGIN * begins + first, *(BEGIN + other for other in others))


def unigram(texts: list[str]) -> sentencepiece_model_pb2.ModelProto:
    """A small Unigram model that covers every character of the texts."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=written,
        model_type="unigram",
        vocab_size=FALLBACK,
        hard_vocab_limit=False,
        character_coverage=1.0,
        normalization_rule_name=RULES,
        num_threads=1,
        minloglevel=2,
    )
    return sentencepiece_model_pb2.ModelProto.FromString(written.getvalue())


def export(workspace: Path, folder: Path) -> None:
    """The one training of a workspace as a model folder, its weights in half precision."""
    (weights,) = workspace.glob("stages/*/model.safetensors")
    trained = weights.parent
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.half() for name, tensor in load_file(weights).items()}
    save_file(tensors, folder / weights.name, metadata={"format": "pt"})
    config = json.loads((trained / "config.json").read_text(encoding="utf-8"))
    config["dtype"] = "float16"
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(trained / name, folder / name)
    print(f"{sha256((folder / weights.name).read_bytes()).hexdigest()}  {folder / weights.name}")


def main() -> None:
    """The step that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    text = steps.add_parser("text")
    text.add_argument("folder", type=Path)
    text.add_argument("documents", type=int)
    start = steps.add_parser("start")
    start.add_argument("folder", type=Path)
    start.add_argument("pieces", type=int)
    done = steps.add_parser("export")
    done.add_argument("workspace", type=Path)
    done.add_argument("folder", type=Path)
    given = vars(parser.parse_args())
    {"text": write_text, "start": write_start, "export": export}[given.pop("step")](**given)


if __name__ == "__main__":
    main()
