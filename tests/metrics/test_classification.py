"""Accuracy compares label strings."""

from stilts_xl.metrics.classification import correct


def test_equal_strings_are_correct_and_nothing_else_is():
    assert correct("entailment", "entailment") == 1.0
    assert correct("Entailment", "entailment") == 0.0
    assert correct("1", "01") == 0.0
