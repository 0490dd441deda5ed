"""Everything that varies with the shape of a problem."""
