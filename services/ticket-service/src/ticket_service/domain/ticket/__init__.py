"""Tickets: the commands, what each produces in which state, and how events change a ticket."""
