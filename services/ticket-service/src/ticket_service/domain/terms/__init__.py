"""Published terms: versions of calendars and agreements, and the differences between two versions."""
