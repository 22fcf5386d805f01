"""The billing service: what it costs, and why."""
