"""Keys of fixed stages, as digits. A change here orphans every workspace there is: everything would be trained again.

A field added with a default goes in with ``LATER``, which leaves these as they are. Where results really change, raise
the revision of the stage or of the task instead: that renews the keys it must, and no others.
"""

import pytest

from stilts_xl.core.recipe import Recipe
from stilts_xl.core.stage import Data, Model, Predict, Pretrained, Scratch, Stage, Train, key, slug

RECIPE = Recipe(
    learning_rate=1e-5,
    epochs=3.0,
    batch_size=16,
    max_length=384,
    max_steps=0,
    warmup_fraction=0.1,
    warmup_steps=0,
    schedule="linear",
    weight_decay=0.01,
    adam_beta1=0.9,
    adam_beta2=0.999,
    adam_epsilon=1e-8,
    max_grad_norm=1.0,
    precision="bf16",
    selection="best",
    eval_every=1000,
    eval_examples=500,
    patience=30,
    stride=128,
    max_query_length=64,
    max_answer_length=30,
    n_best=20,
    seed=1,
)
SCRATCH = Scratch(
    hidden_size=64,
    layers=2,
    heads=2,
    intermediate_size=256,
    max_positions=514,
    dropout=0.1,
    seed=0,
    tokenizer="sha256:" + "0" * 64,
)
PRETRAINED = Pretrained("hub:FacebookAI/xlm-roberta-large@c23d21b0620b635a76227c604d44e43a9f0ee389", "xlmr_large")


def rows(task: str, split: str, language: str, limit: int = 0) -> Data:
    return Data(task, "span", 1, split, language, f"sha256:{task}/{split}/{language}", limit)


SQUAD = Train(rows("squad", "train", "en"), rows("squad", "validation", "en"), PRETRAINED, RECIPE)
TYDIQA = Train(rows("tydiqa", "train", "en"), None, SQUAD, RECIPE)
FROM_SCRATCH = Train(rows("squad", "train", "en"), None, SCRATCH, RECIPE)
TELUGU = Predict(rows("tydiqa", "test", "te"), TYDIQA)
LIMITED = Predict(rows("tydiqa", "test", "te", limit=100), TYDIQA)


@pytest.mark.parametrize(
    ("value", "digits"),
    [
        (SCRATCH, "88dccc75bc39b5fb76759081d1b40efaeffd432b52f72618559abf46bbe8181e"),
        (PRETRAINED, "cf5c4a7ffefb0367b9358ec29187530c684d99d8f07e2634c7a0e55883acf3d2"),
        (SQUAD, "615985d1e6d6977b2ca8cc7b9ad2ed811df0065c2a762bb9e0f755759861c537"),
        (TYDIQA, "b2b8d81a8573de4c975a4e1c7494a8eebaec9239532a269379ed140875de24cc"),
        (FROM_SCRATCH, "a720cc8defc89d2da8fb5ad6750856c10effbaba5911206b7886d3a823986391"),
        (TELUGU, "7331f2b16e36c4f060ca77f21a048c98ba31d324115bc5a4f52251631e641618"),
        (LIMITED, "56f8b6941dee010d21a111459f1a609736d005892e78030c173e7adac077ee88"),
    ],
)
def test_published_keys_stay(value: Stage | Model, digits: str) -> None:
    assert key(value) == digits


def test_published_slugs_stay() -> None:
    assert slug(SQUAD) == "squad-615985d1"
    assert slug(TELUGU) == "tydiqa-te-7331f2b1"
