"""Known cases with known answers, run through the same functions that the services use. Not part of
a service.
"""
