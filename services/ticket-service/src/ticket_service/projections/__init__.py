"""The read model's tables and everything that writes them."""
