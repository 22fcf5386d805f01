"""Explanation: how a line came about, as steps and as sentences."""
