"""Reads of the read model in plain SQL, and the metrics counted from it."""
