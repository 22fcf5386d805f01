"""Business time: opening hours, the arithmetic on them, and why a span was open or closed."""
