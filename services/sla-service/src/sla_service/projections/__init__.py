"""The read model: its tables, and everything that writes them from the ticket service's feed."""
