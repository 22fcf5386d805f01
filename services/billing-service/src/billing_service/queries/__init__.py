"""Reads of the read model: plain SQL, rows as structs."""
