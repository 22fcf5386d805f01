"""Load, decide, append: the commands of the ticket service, one method each, and the reads that
need the newest state.
"""
