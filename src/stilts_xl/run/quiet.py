"""Silence for the libraries that talk on their own: what matters is said by the stages."""

import os
import warnings

import transformers


def quiet() -> None:
    """Turn off the progress bars, load reports and advice of transformers, and tokenizers' fork warning."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    warnings.filterwarnings("ignore", module="torch.distributed")
