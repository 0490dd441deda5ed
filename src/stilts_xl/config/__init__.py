"""From what the user typed to frozen values."""
