"""Doing all of it."""
