"""Identifiers: a prefix that names the kind, and a UUIDv7 (RFC 9562): random, and sorted by time of creation."""

import uuid_utils


def new_id(prefix: str) -> str:
    """A new identifier such as `usr_0199f0c0a1b27c3d8e4f5a6b7c8d9e0f`, greater than all that this process made before.

    74 of its bits are random; among those of one millisecond 42 bits count up and 32 are random. No id is a secret.
    """
    return f"{prefix}_{uuid_utils.uuid7().hex}"
