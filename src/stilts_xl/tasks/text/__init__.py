"""Tasks: text."""
