"""The SLA service: what is due, and why."""
