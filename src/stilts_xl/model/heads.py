"""Heads on flat hidden states; parameter names are those of the Hugging Face classes that load them back."""

import torch
from torch import nn


class SentenceHead(nn.Module):
    """One vector of logits for each sequence, from its first token; XLM-R's own classification head."""

    prefix = "classifier"
    architecture = "SequenceClassification"

    def __init__(self, hidden_size: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden_size, hidden_size)
        self.dropout = nn.Dropout(dropout)
        self.out_proj = nn.Linear(hidden_size, outputs)

    def forward(self, hidden: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        """hidden: [tokens, hidden size]; starts: [sequences], the index of each first token -> [sequences, outputs]."""
        first = torch.tanh(self.dense(self.dropout(hidden[starts])))
        logits: torch.Tensor = self.out_proj(self.dropout(first))
        return logits


class TokenHead(nn.Module):
    """Logits for every token, by one linear map."""

    prefix = "qa_outputs"
    architecture = "QuestionAnswering"

    def __init__(self, hidden_size: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(hidden_size, outputs)

    def forward(self, hidden: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        """hidden: [tokens, hidden size] -> [tokens, outputs]; ``starts`` is not needed."""
        logits: torch.Tensor = self.linear(hidden)
        return logits


Head = SentenceHead | TokenHead


def initialise(head: Head, deviation: float, generator: torch.Generator) -> None:
    """Normal weights with the encoder's standard deviation, zero biases; ``generator`` makes them a function of a seed."""
    with torch.no_grad():
        for name, parameter in head.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
            else:
                parameter.normal_(0.0, deviation, generator=generator)


def stock_name(head: Head, name: str) -> str:
    """The name of a head's parameter in the Hugging Face class that has such a head."""
    return f"{head.prefix}.{name.removeprefix('linear.')}"
