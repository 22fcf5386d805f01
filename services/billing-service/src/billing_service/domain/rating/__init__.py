"""Rating: from the facts of an account to its statement, rule by rule."""
