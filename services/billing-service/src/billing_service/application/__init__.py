"""Questions about accounts, and decisions on their charges: look up the facts, let the domain rate,
answer.
"""
