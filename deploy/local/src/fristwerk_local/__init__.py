"""Runs the three services on one machine, plays a recorded day of support through them and shows what came out."""
