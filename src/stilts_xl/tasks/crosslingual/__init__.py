"""Tasks: crosslingual."""
