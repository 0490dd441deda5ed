"""Scores as plain functions, equal to the reference scorers."""
