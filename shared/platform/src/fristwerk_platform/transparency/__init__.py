"""The hash tree over an event log, one for each provider: kept after commit, signed, checked again,
and proved from.

keys      the key that signs checkpoints, and those that did before it
tables    tiles, heads, and how far the log was taken
store     tiles and heads in a database
keeper    takes what the log recorded into the trees, signs their heads, and hashes the log again
proofs    proofs and tiles as they are asked for
trees     opens all of it for one log
"""
