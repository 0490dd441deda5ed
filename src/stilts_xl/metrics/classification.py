"""Accuracy of predicted labels."""


def correct(prediction: str, gold: str) -> float:
    """1.0 where the two labels are the same string, else 0.0 (XTREME evaluate.py)."""
    return float(prediction == gold)
