"""Asking an authority for a time stamp of a head (RFC 3161), and whether an answer is about what was asked.

Whether the authority signed it, and whether it is one, is for whoever checks a bundle: they know whom they trust.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

REQUEST_TYPE: Final = "application/timestamp-query"
RESPONSE_TYPE: Final = "application/timestamp-reply"
LONGEST_RESPONSE: Final = 65_536
"""Bytes of an answer at most; those of authorities have some 6,000."""
_SHA256: Final = bytes.fromhex("300d06096086480165030402010500")
"""The AlgorithmIdentifier of SHA-256 in DER."""
_GRANTED: Final = (0, 1)
"""``granted`` and ``grantedWithMods`` (RFC 3161, section 2.4.2)."""
_SEQUENCE: Final = 0x30
_INTEGER: Final = 0x02
_LONG: Final = 0x80


def stamped_message(note: bytes) -> bytes:
    """What of a head's note is hashed for its stamp: all of it."""
    return sha256(note).digest()


def stamp_request(note: bytes, nonce: int) -> bytes:
    """A TimeStampReq in DER over a head's note, which asks for the authority's certificate (RFC 3161, section 2.4.1)."""
    imprint = _der(_SEQUENCE, _SHA256 + _der(0x04, stamped_message(note)))
    number = nonce.to_bytes(nonce.bit_length() // 8 + 1, "big")
    return _der(_SEQUENCE, _der(_INTEGER, b"\x01") + imprint + _der(_INTEGER, number) + b"\x01\x01\xff")


def is_granted(response: bytes, note: bytes) -> bool:
    """Whether an answer in DER grants a stamp and holds the note's digest; who signed it is not looked at."""
    try:
        _, inner = _opened(response)
        _, status = _opened(inner)
        tag, value = _opened(status)
    except IndexError:
        return False
    return tag == _INTEGER and int.from_bytes(value, "big") in _GRANTED and stamped_message(note) in response


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    assert size < _LONG, "a request is short"
    return bytes([tag, size]) + content


def _opened(encoded: bytes) -> tuple[int, bytes]:
    """The tag of the first element and its content. Raises IndexError where it is cut off."""
    tag, size = encoded[0], encoded[1]
    begin = 2
    if size & _LONG:
        begin += size & ~_LONG
        size = int.from_bytes(encoded[2:begin], "big")
    if begin + size > len(encoded):
        raise IndexError("it is cut off")
    return tag, encoded[begin : begin + size]
