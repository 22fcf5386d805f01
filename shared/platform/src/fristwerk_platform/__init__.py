"""A grouped event log, exactly-once subscriptions, blue/green read models, and HTTP around them.

Knows no business.
"""
