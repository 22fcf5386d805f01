"""Proof that a log only grew: hash trees, tiles and signed checkpoints, to be checked by anybody without our software.

The formats are C2SP's, to the byte: ``tlog-checkpoint``, ``tlog-tiles``, ``signed-note``, ``tlog-cosignature``
(https://c2sp.org). The tree is that of RFC 6962, section 2.1, with SHA-256. Nothing here reads a database or a network.

merkle       hashes of leaves and nodes, and the root of a tree
proofs       that a line is in a tree, that a tree grew out of a smaller one; making and checking both
tiles        the tree as static files of up to 256 hashes each
notes        text signed with Ed25519
checkpoints  the head of a tree as a signed note, and a witness's signature under it
"""
