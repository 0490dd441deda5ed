"""The encoder that comes with the package."""

from importlib.resources import files as package_files
from pathlib import Path

BUNDLED = "bundled"
"""What model.path says for it."""
MINI = Path(str(package_files("stilts_xl"))) / "model" / "mini"
"""Its Hugging Face folder."""
