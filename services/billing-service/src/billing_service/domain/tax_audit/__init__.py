"""What a tax auditor takes away: issued documents and the prices they rest on, as tables."""
