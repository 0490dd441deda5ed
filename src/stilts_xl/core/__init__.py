"""The nouns of stilts-xl; standard library only."""
