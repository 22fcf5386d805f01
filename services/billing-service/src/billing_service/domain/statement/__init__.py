"""Statements: the lines that rating produces, and the ledger of the lines already invoiced."""
