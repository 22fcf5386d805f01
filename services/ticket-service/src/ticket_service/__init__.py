"""The ticket service: what may happen to a ticket, and what did."""
