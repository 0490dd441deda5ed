"""One model, one thing at a time."""
