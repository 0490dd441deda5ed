"""Saying it."""
