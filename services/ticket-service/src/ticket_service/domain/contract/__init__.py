"""Contracts: signing one, and what may change in it afterwards."""
