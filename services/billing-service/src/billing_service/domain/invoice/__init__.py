"""Invoices and credit notes: what a statement adds to the ledger, and the frozen document."""
