"""Encoders: made from a folder or from scratch, run in either layout, saved so that from_pretrained loads them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    XLMRobertaConfig,
)

from stilts_xl.core.errors import Mistake, naming
from stilts_xl.core.stage import Scratch
from stilts_xl.model.attention import PACKED, PADDED
from stilts_xl.model.heads import Head, Pool, stock_name
from stilts_xl.model.inputs import Inputs

LANGUAGE_HEAD = ("dense.weight", "dense.bias", "layer_norm.weight", "layer_norm.bias", "bias")
FAMILIES = {"xlm-roberta": "XLMRoberta", "xlm-roberta-xl": "XLMRobertaXL", "roberta": "Roberta"}
"""Model types whose positions start at pad + 1 and whose encoder is called 'roberta' in checkpoints with a head."""


class TaskModel(nn.Module):
    """One encoder and its heads by task; ``layout`` says how sequences are laid out, and never what is computed."""

    def __init__(self, encoder: PreTrainedModel, heads: Mapping[str, Head], layout: str) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = nn.ModuleDict(heads)
        self.packed = layout == "packed"
        encoder.set_attn_implementation(PACKED if self.packed else PADDED)
        if encoder.pooler is not None:
            encoder.pooler.requires_grad_(False)

    def forward(self, inputs: Inputs, head: str) -> torch.Tensor:
        """The head's output: a row a segment, or a row a token."""
        chosen = self.heads[head]
        output: torch.Tensor
        if isinstance(chosen, Pool):
            states = self._states(inputs, every=True)
            output = chosen(torch.stack([states[layer] for layer in chosen.layers]), inputs)
        else:
            output = chosen(self._states(inputs, every=False)[-1], inputs)
        return output

    def _states(self, inputs: Inputs, every: bool) -> list[torch.Tensor]:
        """[tokens, hidden size] after the last block, or after the embeddings and ``every`` block."""
        found, mask = self._packed(inputs, every) if self.packed else self._padded(inputs, every)
        layers = found.hidden_states if every else (found.last_hidden_state,)
        return [layer[0] if mask is None else layer[mask] for layer in layers]

    def _packed(self, inputs: Inputs, every: bool) -> tuple[Any, None]:
        ids = inputs.ids.unsqueeze(0)
        offset = self.encoder.config.pad_token_id + 1
        positions = torch.cat([torch.arange(offset, offset + length) for length in inputs.lengths])
        found = self.encoder(
            input_ids=ids,
            position_ids=positions.unsqueeze(0).to(ids.device),
            token_type_ids=torch.zeros_like(ids),
            segments=inputs.lengths,
            output_hidden_states=every,
        )
        return found, None

    def _padded(self, inputs: Inputs, every: bool) -> tuple[Any, torch.Tensor]:
        lengths = torch.tensor(inputs.lengths, device=inputs.ids.device)
        mask = torch.arange(max(inputs.lengths), device=inputs.ids.device) < lengths.unsqueeze(1)
        ids = torch.full(mask.shape, self.encoder.config.pad_token_id, device=inputs.ids.device, dtype=inputs.ids.dtype)
        ids[mask] = inputs.ids
        offset = self.encoder.config.pad_token_id + 1
        # Said here, for the library would count differently after a text that holds the padding token.
        positions = torch.arange(offset, offset + mask.shape[1], device=ids.device).expand(mask.shape)
        found = self.encoder(
            input_ids=ids, attention_mask=mask.long(), position_ids=positions, output_hidden_states=every
        )
        return found, mask


@contextmanager
def blocks_up_to(encoder: PreTrainedModel, layer: int) -> Iterator[None]:
    """Run no more blocks than the hidden states up to ``layer`` need.

    One more than that is kept where there is one: XLM-R XL normalises what leaves the last block that runs.
    """
    stack: Any = encoder.encoder
    every = stack.layer
    with torch.no_grad():
        # The library watches the blocks that it finds at the first call, and those alone ever after.
        first = torch.zeros((1, 1), dtype=torch.long, device=encoder.device)
        encoder(input_ids=first, output_hidden_states=True, segments=[1])
    stack.layer = every[: layer + 1]
    try:
        yield
    finally:
        stack.layer = every


def from_folder(folder: Path) -> PreTrainedModel:
    """The encoder of a Hugging Face folder, pooler included where it has one; heads it may hold are left behind.

    Raises Mistake where the folder holds no XLM-R-like configuration or no safetensors weights, or they do not match.
    """
    config = read_config(folder)
    if not list(folder.glob("*.safetensors")):
        raise Mistake(
            f"the model folder {folder} holds no weights: expected model.safetensors (only safetensors are read)"
        )
    try:
        encoder, report = AutoModel.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # so that it reports them, and we can name one
        )
    except (OSError, RuntimeError, SafetensorError, ValueError) as error:
        raise _unreadable(folder, error) from None
    strange = sorted(report["mismatched_keys"])
    if strange:
        name, found, wanted = strange[0]
        raise Mistake(
            f"the weights in {folder} do not fit its config.json: '{name}' is {tuple(found)}, expected {tuple(wanted)}\n"
            f"({len(strange)} tensors in all) fetch or copy the model's folder again"
        )
    missing = sorted(name for name in report["missing_keys"] if not name.startswith("pooler."))
    if missing:
        raise Mistake(
            f"the weights in {folder} lack {len(missing)} of the encoder's tensors, the first is '{missing[0]}'\n"
            "fetch or copy the model's folder again"
        )
    if any(name.startswith("pooler.") for name in report["missing_keys"]):
        encoder.pooler = None
    assert isinstance(encoder, PreTrainedModel)
    return encoder


def check_weights(folder: Path) -> None:
    """Raise Mistake where a weights file in a folder is cut short or is no safetensors file; tensors are not read."""
    for file in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(file, framework="pt"):
                continue
        except (OSError, SafetensorError) as error:
            raise _unreadable(folder, error) from None


def _unreadable(folder: Path, error: Exception) -> Mistake:
    reason = str(error).splitlines()[0]
    return Mistake(f"the weights in {folder} cannot be loaded: {reason}\nfetch or copy the model's folder again")


def read_config(folder: Path) -> Any:
    """The folder's configuration, or a Mistake where it is not XLM-R-like."""
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise Mistake(f"{folder} is not a model folder: {str(error).splitlines()[0].split('. ')[0]}") from None
    if config.model_type not in FAMILIES:
        raise Mistake(f"{folder} holds a '{config.model_type}' model; expected one of {', '.join(FAMILIES)}")
    return config


def from_scratch(spec: Scratch, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """XLM-R's architecture with random weights, a pure function of the spec and the size of the vocabulary."""
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=spec.hidden_size,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        intermediate_size=spec.intermediate_size,
        max_position_embeddings=spec.max_positions,
        hidden_dropout_prob=spec.dropout,
        attention_probs_dropout_prob=spec.dropout,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        encoder = AutoModel.from_config(config)  # type: ignore[no-untyped-call]
    assert isinstance(encoder, PreTrainedModel)
    return encoder


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The fast tokenizer of a folder, or a Mistake."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, use_fast=True)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0].split(". ")[0]
        raise Mistake(f"no tokenizer can be loaded from {folder}: {reason}\nits tokenizer.json must be whole") from None
    if not tokenizer.is_fast:
        raise Mistake(f"the tokenizer in {folder} has no tokenizer.json; answers need its character offsets")
    return tokenizer


def weights(model: TaskModel) -> dict[str, torch.Tensor]:
    """All tensors under Hugging Face's names, on the CPU: 'roberta.…' and the head's own."""
    tensors = {f"roberta.{name}": tensor for name, tensor in model.encoder.state_dict().items()}
    for head in model.heads.values():
        assert isinstance(head, Head)
        tensors |= {stock_name(head, name): tensor for name, tensor in head.state_dict().items()}
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def load_weights(model: TaskModel, tensors: Mapping[str, torch.Tensor]) -> None:
    """The reverse of ``weights``; every tensor must be there."""
    own = model.encoder.state_dict()
    model.encoder.load_state_dict({name: tensors[f"roberta.{name}"] for name in own})
    for head in model.heads.values():
        assert isinstance(head, Head)
        head.load_state_dict({name: tensors[stock_name(head, name)] for name in head.state_dict()})


def write_tensors(tensors: dict[str, torch.Tensor], path: Path) -> None:
    """A safetensors file. Raises OSError that names it where it cannot be written, as on a disk that is full."""
    with naming(path):
        save_file(tensors, path, metadata={"format": "pt"})
        path.chmod(path.parent.stat().st_mode & 0o666)  # whoever may read the folder may read the file


def save(model: TaskModel, tokenizer: PreTrainedTokenizerBase, labels: tuple[str, ...], folder: Path) -> list[str]:
    """Write model.safetensors, config.json and the tokenizer as from_pretrained expects them; the files' names."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(weights(model), folder / "model.safetensors")
    head = next(iter(model.heads.values()))
    assert isinstance(head, Head)
    config = model.encoder.config.to_dict()
    config["architectures"] = [f"{FAMILIES[config['model_type']]}For{head.architecture}"]
    config["dtype"] = "float32"  # said of an encoder that was loaded, and not of one that was made here
    config["dtype"] = "float32"  # said of a model that was loaded, and not of one that has just been made
    # What an earlier stage's head had must not stay.
    names = labels if len(labels) == head.outputs else [f"LABEL_{number}" for number in range(min(head.outputs, 2))]
    config["id2label"] = dict(enumerate(names))
    config["label2id"] = {label: index for index, label in enumerate(names)}
    with naming(folder / "config.json"):
        type(model.encoder.config).from_dict(config).save_pretrained(folder)
    with naming(folder / "tokenizer.json"):
        written = tokenizer.save_pretrained(folder)
    return ["model.safetensors", "config.json", *(Path(path).name for path in written)]


def saved_labels(folder: Path) -> tuple[str, ...]:
    """The labels of the head that ``save`` wrote, in the order of its outputs."""
    names = read_config(folder).id2label
    return tuple(names[number] for number in sorted(names))


def language_head_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The language-model head of a folder by a LanguageHead's names, its tied table left out; {} where there is none.

    Raises Mistake where a part of it is missing.
    """
    found: dict[str, torch.Tensor] = {}
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="pt") as tensors:
            names = [name for name in tensors.keys() if name.startswith("lm_head.")]  # noqa: SIM118 (no mapping)
            found |= {name.removeprefix("lm_head."): tensors.get_tensor(name) for name in names}
    if "decoder.bias" in found:
        found.setdefault("bias", found["decoder.bias"])  # one tensor under two names, of which either may be kept
    missing = [name for name in LANGUAGE_HEAD if name not in found]
    if found and missing:
        raise Mistake(
            f"the language-model head in {folder} lacks 'lm_head.{missing[0]}'\nfetch or copy the model's folder again"
        )
    return {name: found[name] for name in LANGUAGE_HEAD} if found else {}


def load_saved(model: TaskModel, folder: Path) -> None:
    """Weights that ``save`` wrote, into a model of the same shape."""
    load_weights(model, load_file(folder / "model.safetensors"))
