"""Heads on flat hidden states; parameter names are those of the Hugging Face classes that load them back."""

import torch
from torch import nn
from torch.nn.functional import gelu

from stilts_xl.model.inputs import Inputs


class SentenceHead(nn.Module):
    """Logits for each segment, from its first token; XLM-R's own classification head."""

    prefix = "classifier"
    architecture = "SequenceClassification"
    per_token = False

    def __init__(self, hidden_size: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.outputs = outputs
        self.dense = nn.Linear(hidden_size, hidden_size)
        self.dropout = nn.Dropout(dropout)
        self.out_proj = nn.Linear(hidden_size, outputs)

    def forward(self, hidden: torch.Tensor, inputs: Inputs) -> torch.Tensor:
        """hidden: [tokens, hidden size] -> [segments, outputs]."""
        first = torch.tanh(self.dense(self.dropout(hidden[inputs.starts])))
        logits: torch.Tensor = self.out_proj(self.dropout(first))
        return logits


class TokenHead(nn.Module):
    """Logits for every token, or for the chosen ones, by one linear map."""

    per_token = True

    def __init__(self, hidden_size: int, outputs: int, dropout: float, prefix: str, architecture: str) -> None:
        super().__init__()
        self.outputs = outputs
        self.prefix = prefix
        self.architecture = architecture
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden_size, outputs)

    def forward(self, hidden: torch.Tensor, inputs: Inputs) -> torch.Tensor:
        """hidden: [tokens, hidden size] -> [tokens or chosen, outputs]."""
        logits: torch.Tensor = self.linear(self.dropout(hidden if inputs.chosen is None else hidden[inputs.chosen]))
        return logits


class LanguageHead(nn.Module):
    """Logits over the vocabulary for the chosen tokens; the last map is the encoder's own embedding table."""

    prefix = "lm_head"
    architecture = "MaskedLM"
    per_token = True

    def __init__(self, table: nn.Embedding, epsilon: float) -> None:
        super().__init__()
        self.outputs = table.num_embeddings
        self.dense = nn.Linear(table.embedding_dim, table.embedding_dim)
        self.layer_norm = nn.LayerNorm(table.embedding_dim, eps=epsilon)
        self.bias = nn.Parameter(torch.zeros(table.num_embeddings))
        self._table = (table,)  # in a tuple: the table is the encoder's parameter, and must not be this head's too

    def forward(self, hidden: torch.Tensor, inputs: Inputs) -> torch.Tensor:
        """hidden: [tokens, hidden size] -> [tokens or chosen, vocabulary]."""
        seen = hidden if inputs.chosen is None else hidden[inputs.chosen]
        return nn.functional.linear(self.layer_norm(gelu(self.dense(seen))), self._table[0].weight, self.bias)


class Pool(nn.Module):
    """No parameters: each segment's vector at some layers, the mean of its tokens' states or the first one's."""

    prefix = "pool"
    architecture = "Model"
    per_token = False

    def __init__(self, layers: tuple[int, ...], pooling: str) -> None:
        super().__init__()
        self.outputs = 0
        self.layers = layers
        self.pooling = pooling

    def forward(self, states: torch.Tensor, inputs: Inputs) -> torch.Tensor:
        """states: [layers, tokens, hidden size] -> [segments, layers * hidden size], in fp32."""
        if self.pooling == "cls":
            vectors = states[:, inputs.starts].float()
        else:
            lengths = torch.tensor(inputs.lengths, device=states.device)
            segment = torch.repeat_interleave(torch.arange(len(lengths), device=states.device), lengths)
            vectors = states.new_zeros((len(states), len(lengths), states.shape[-1]), dtype=torch.float32)
            vectors = vectors.index_add(1, segment, states.float()) / lengths[:, None]
        return vectors.transpose(0, 1).flatten(1)


Head = SentenceHead | TokenHead | LanguageHead | Pool


def initialise(head: Head, deviation: float, generator: torch.Generator) -> None:
    """Normal weights with the encoder's standard deviation, zero biases, norms that change nothing; a function of a seed."""
    with torch.no_grad():
        for name, parameter in head.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
            elif "layer_norm" in name:
                parameter.fill_(1.0)
            else:
                parameter.normal_(0.0, deviation, generator=generator)


def stock_name(head: Head, name: str) -> str:
    """The name of a head's parameter in the Hugging Face class that has such a head."""
    return f"{head.prefix}.{name.removeprefix('linear.')}"
