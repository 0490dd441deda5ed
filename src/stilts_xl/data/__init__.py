"""From files and hubs to checked examples and seeded batches."""
