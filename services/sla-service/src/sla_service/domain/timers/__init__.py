"""Timers: a ticket's timeline, what it promises under its terms, and what became of each promise."""
