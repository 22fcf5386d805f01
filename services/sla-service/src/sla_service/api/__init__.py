"""The HTTP interface of the SLA service: what is due, and why."""
