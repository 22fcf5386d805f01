"""The read model and every write of it."""
