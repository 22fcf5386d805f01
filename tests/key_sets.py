"""Sets of public keys as an OpenID provider publishes them (RFC 7517)."""

from __future__ import annotations

import json

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


def key_set(**keys: RSAPrivateKey) -> str:
    """The public keys by their ids."""
    found = [
        json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(each.public_key())) | {"kid": name, "alg": "RS256", "use": "sig"}
        for name, each in keys.items()
    ]
    return json.dumps({"keys": found})
