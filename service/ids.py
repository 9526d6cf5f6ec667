"""Identifiers: a prefix that names the kind, and a UUIDv7 (RFC 9562): random, and sorted by time of creation."""

import uuid_utils


def new_id(prefix: str) -> str:
    """A new identifier such as `usr_0199f0c0a1b27c3d8e4f5a6b7c8d9e0f`; 74 of its bits are random."""
    return f"{prefix}_{uuid_utils.uuid7().hex}"
