"""What this service keeps of its own, beside the read model: idempotent responses and simulations."""
