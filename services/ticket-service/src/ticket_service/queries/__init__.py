"""Plain reads of the read model; nothing here writes."""
