"""stilts-xl: intermediate-task transfer for multilingual encoders, one command for the whole chain."""

__version__ = "0.1.0"
