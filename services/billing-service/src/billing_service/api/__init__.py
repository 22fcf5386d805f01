"""The HTTP interface of the billing service: what it costs, and why."""
