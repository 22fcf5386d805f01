"""Facts: what one account's bill rests on, read from recorded events."""
