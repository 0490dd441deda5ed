"""Tasks: english."""
