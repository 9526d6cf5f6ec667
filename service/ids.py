"""Identifiers: a prefix that names the kind, and a UUIDv7 (RFC 9562): random, and sorted by time of creation."""

import re
from datetime import datetime

import uuid_utils

_POSSIBLE = re.compile(r"[a-z0-9_-]{1,100}")


def new_id(prefix: str) -> str:
    """A new identifier such as `usr_0199f0c0a1b27c3d8e4f5a6b7c8d9e0f`, greater than all that this process made before.

    74 of its bits are random; among those of one millisecond 42 bits count up and 32 are random. No id is a secret.
    """
    return f"{prefix}_{uuid_utils.uuid7().hex}"


def least_id(prefix: str, moment: datetime) -> str:
    """What sorts before every identifier of this kind that was made at this moment or later, and after all others."""
    return f"{prefix}_{int(moment.timestamp() * 1000):012x}"  # RFC 9562, 5.7: milliseconds come first


def is_possible(id: str) -> bool:
    """Whether a text may be an id, whatever it is of; nothing else needs to be looked for in a database."""
    return _POSSIBLE.fullmatch(id) is not None
