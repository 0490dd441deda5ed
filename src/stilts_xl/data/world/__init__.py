"""The sample world: invented people and what is true of them, told in every language that has a file."""
