"""If-Match and If-None-Match (RFC 9110, 13.1; RFC 7644, 3.14): the versions of a resource that a request is meant for.

Entity tags are compared weakly in both: SCIM's own tags are weak, and its clients send them in If-Match.
"""

import re
from dataclasses import dataclass
from typing import Self

from scim_facade.calls import Call
from scim_facade.messages import Rejected

_TAG = re.compile(r'[ \t,]*(?:W/)?"(?P<opaque>[\x21\x23-\x7e\x80-\xff]*)"[ \t]*(?:,|$)')


@dataclass(frozen=True)
class Versions:
    """All versions, or those with these opaque tags. A tag that this service never made is no version's."""

    all: bool
    tags: frozenset[str] = frozenset()

    def __contains__(self, version: object) -> bool:
        return self.all or str(version) in self.tags


@dataclass(frozen=True)
class Preconditions:
    """What the headers allow; a container of the versions that they let pass, for verbs that change something."""

    wanted: Versions
    unwanted: Versions

    @classmethod
    def of(cls, call: Call) -> Self:
        """What the request asks for: without the headers, any version."""
        return cls(
            _versions(call, "If-Match") or Versions(all=True),
            _versions(call, "If-None-Match") or Versions(all=False),
        )

    def __contains__(self, version: object) -> bool:
        return version in self.wanted and version not in self.unwanted


def _versions(call: Call, header: str) -> Versions | None:
    text = call.header(header)
    if text is None:
        return None
    text = text.strip(" \t,")
    if text == "*":
        return Versions(all=True)
    tags: set[str] = set()
    at = 0
    while at < len(text):
        tag = _TAG.match(text, at)
        if tag is None:
            break
        tags.add(tag["opaque"])
        at = tag.end()
    if at < len(text) or not tags:
        raise Rejected(400, f'{header} must be * or entity tags as meta.version has them, such as W/"1".')
    return Versions(all=False, tags=frozenset(tags))
