"""Figures over many tickets, and what other terms would have changed."""
