"""Secrets that a bearer shows: how they are made, recognised and kept.

A token is `hc_<kind>_<43 random characters><6 check characters>`: the prefix names its kind (and lets a secret
scanner find it), 43 letters and digits carry 256 bits, and the check characters (CRC-32, as GitHub's
tokens do) tell a typo from an unknown token without a query. The database keeps only a keyed hash.
"""

import hashlib
import hmac
import secrets
import string
import zlib
from collections.abc import Callable
from enum import StrEnum

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_LENGTH = 43  # 62**43 > 2**256
_CHECK_LENGTH = 6  # 62**6 > 2**32
_HINT_LENGTH = 4


class TokenKind(StrEnum):
    """The kinds of token; each has a hash key of its own, so that one can never stand for another."""

    SCIM_KEY = "hc_scim_"
    API_KEY = "hc_key_"
    SESSION = "hc_session_"
    LINK = "hc_link_"


def new_token(kind: TokenKind) -> str:
    """A new secret of this kind."""
    body = kind + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return body + _check_characters(body)


def is_well_formed(token: str, kind: TokenKind) -> bool:
    """Whether prefix, length and check characters are right; says nothing about whether the token is known."""
    if not token.startswith(kind) or not token.isascii():
        return False
    if len(token) != len(kind) + _RANDOM_LENGTH + _CHECK_LENGTH:
        return False
    return hmac.compare_digest(token[-_CHECK_LENGTH:], _check_characters(token[:-_CHECK_LENGTH]))


def hint(token: str) -> str:
    """What may be shown of a token afterwards: its prefix and its last four characters."""
    prefix = token[: token.rindex("_") + 1]
    return f"{prefix}…{token[-_HINT_LENGTH:]}"


def _check_characters(body: str) -> str:
    number, characters = zlib.crc32(body.encode()), ""
    for _ in range(_CHECK_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        characters = _ALPHABET[digit] + characters
    return characters


class Seal:
    """Keyed hashes under keys derived from the installation's secret key: HMAC-SHA-256 of tokens, and BLAKE2b (RFC
    7693), which takes a third of the time, of what a page has by the hundred."""

    def __init__(self, secret_key: str) -> None:
        key = secret_key.encode()
        self._tag_key = hmac.digest(key, b"tag", "sha256")
        self._begun = {
            kind: hmac.new(hmac.digest(key, kind.encode(), "sha256"), digestmod="sha256") for kind in TokenKind
        }

    def of(self, token: str, kind: TokenKind) -> str:
        """What the database keeps of the token: 64 hexadecimal digits, equal for equal tokens."""
        kept = self._begun[kind].copy()
        kept.update(token.encode())
        return kept.hexdigest()

    def tagging(self, purpose: bytes) -> Callable[[bytes], bytes]:
        """What makes 32 bytes of data that only this installation can make of it for this purpose."""
        begun = hashlib.blake2b(len(purpose).to_bytes(4) + purpose, key=self._tag_key, digest_size=32)

        def tag(data: bytes) -> bytes:
            made = begun.copy()
            made.update(data)
            return made.digest()

        return tag
