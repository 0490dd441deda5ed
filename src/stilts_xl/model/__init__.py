"""Encoders, their heads, and attention without padding."""
