"""Customers: registration, devices, contacts, opinions, portal users, and forgetting a person."""
