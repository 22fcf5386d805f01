"""Customers: registration, devices, contacts, and forgetting a person."""
