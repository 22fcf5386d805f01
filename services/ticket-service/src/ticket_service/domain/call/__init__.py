"""Calls: what the telephone system says of one, and what became of it."""
