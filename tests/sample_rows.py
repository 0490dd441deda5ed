"""A few rows of every task, written by hand in the official schemas, and the sample data that tests make: small ones."""

from pathlib import Path

SAMPLE_ROOT = Path(__file__).parent / "sample"
"""The rows written by hand, in XTREME's folder layout."""
ROWS = ("data=local", f"data.root={SAMPLE_ROOT}")
SIZES = {"train": 24, "validation": 8, "test": 8, "text": 40}
WORLD = ("data=sample", *(f"data.{name}={size}" for name, size in SIZES.items()))
"""Sample data of a size that is written in a second."""
