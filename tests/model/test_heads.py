"""Heads compute what Hugging Face's do, and begin as a function of a seed."""

import pytest
import torch
from transformers import XLMRobertaConfig
from transformers.models.xlm_roberta.modeling_xlm_roberta import XLMRobertaClassificationHead

from stilts_xl.model.heads import Head, SentenceHead, initialise, stock_name
from toys import flat, token_head


def test_the_sentence_head_is_xlm_r_s_on_each_first_token() -> None:
    torch.manual_seed(0)
    ours, hidden, starts = SentenceHead(8, 3, 0.1).eval(), torch.randn(10, 8), torch.tensor([0, 4, 9])
    stock = XLMRobertaClassificationHead(XLMRobertaConfig(hidden_size=8, num_labels=3)).eval()
    stock.load_state_dict({stock_name(ours, name).split(".", 1)[1]: t for name, t in ours.state_dict().items()})
    batch = flat(torch.zeros(10), [4, 5, 1])
    torch.testing.assert_close(ours(hidden, batch), stock(hidden[starts].unsqueeze(1)))


def test_the_sentence_head_drops_out_only_while_it_learns() -> None:
    head, hidden, batch = SentenceHead(64, 3, 0.5), torch.ones(4, 64), flat(torch.zeros(4), [1] * 4)
    assert not torch.equal(head(hidden, batch)[0], head(hidden, batch)[1])
    head.eval()
    assert torch.equal(head(hidden, batch)[0], head(hidden, batch)[1])


def test_the_token_head_is_one_linear_map() -> None:
    head, hidden = token_head(8), torch.randn(10, 8)
    expected = hidden @ head.linear.weight.T + head.linear.bias
    torch.testing.assert_close(head(hidden, flat(torch.zeros(10), [10])), expected)


@pytest.mark.parametrize("make", [lambda: SentenceHead(64, 3, 0.1), lambda: token_head(64)])
def test_a_new_head_is_a_function_of_its_seed(make) -> None:
    def new(seed: int) -> Head:
        torch.manual_seed(torch.seed())
        head = make()
        initialise(head, 0.02, torch.Generator().manual_seed(seed))
        return head

    one, same, other = (dict(new(seed).named_parameters()) for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not any(torch.equal(one[name], other[name]) for name in one if name.endswith("weight"))
    assert not any(one[name].any() for name in one if name.endswith("bias"))
    weights = torch.cat([one[name].flatten() for name in one if name.endswith("weight")])
    assert 0.01 < weights.std() < 0.03
