"""Fristwerk's published language: events, terms documents and worked examples. It decides nothing."""
