"""Members of staff: what they do, when they work, when they are away and who stands in."""
