"""Why a deadline is what it is: steps as data, and the same as sentences."""
