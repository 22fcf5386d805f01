"""Audit: issued documents computed again from what had been recorded when they were issued."""
