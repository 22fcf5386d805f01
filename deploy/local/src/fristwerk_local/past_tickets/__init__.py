"""Past tickets of another helpdesk, imported as facts of their own time."""
