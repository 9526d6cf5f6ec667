"""Every way in which the domain may say no.

The set is closed. Each door translates it with one `match` that ends in `assert_never`, so that a new
reason fails the type checker until both doors can say it. Texts are whole sentences for the person
who has to act on them; fields are named in the domain's words (`user_name`), doors spell them in theirs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class NotFound:
    """There is no such thing in the actor's workspace; what another workspace holds counts as nothing."""

    kind: str
    id: str


@dataclass(frozen=True)
class Taken:
    """Another row of the workspace holds this value of a unique field."""

    kind: str
    field: str
    value: str
    why: str = "is already in use"


@dataclass(frozen=True)
class Invalid:
    """The value of `field` cannot be accepted; `why` completes the sentence "<field> …"."""

    field: str
    why: str


@dataclass(frozen=True)
class Forbidden:
    """The actor lacks `permission`."""

    permission: str


@dataclass(frozen=True)
class Unauthenticated:
    """Nobody is signed in, or the credentials are not good (no more is said: unknown, wrong, ended look alike)."""

    why: str


@dataclass(frozen=True)
class Stale:
    """The row has changed since the caller read the version that it names."""

    kind: str
    id: str


@dataclass(frozen=True)
class OwnerProtected:
    """The act would take an owner from the workspace; `why` is a whole sentence that says who may do it instead."""

    why: str


@dataclass(frozen=True)
class FlagOff:
    """The workspace's flag is off; `why` is a whole sentence that says who can set it."""

    flag: str
    why: str


@dataclass(frozen=True)
class Busy:
    """The service cannot take this on now; the same call may succeed after `retry_after` seconds."""

    why: str
    retry_after: int


@dataclass(frozen=True)
class DirectoryManaged:
    """The directory decides about `field` of this person; `why` is a whole sentence that says where to change it."""

    field: str
    why: str


@dataclass(frozen=True)
class WorkspaceDecides:
    """The directory asks for what only an admin of the workspace can allow; `why` is a whole sentence that says how."""

    why: str


@dataclass(frozen=True)
class ReauthenticationRequired:
    """The act takes a session whose password was shown a short time ago (OWASP ASVS 7.5.1)."""

    why: str = "This takes a password that was shown a short time ago: show yours again, then repeat it."


@dataclass(frozen=True)
class LimitReached:
    """Too much of something; `why` is a whole sentence that says who can help. After `retry_after` seconds, if that is
    given, the same call may succeed."""

    why: str
    retry_after: int | None = None


Reason = (
    NotFound
    | Taken
    | Invalid
    | Forbidden
    | Unauthenticated
    | Stale
    | OwnerProtected
    | FlagOff
    | Busy
    | DirectoryManaged
    | WorkspaceDecides
    | LimitReached
    | ReauthenticationRequired
)


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """The only exception that a verb raises on purpose. What the verb did is undone.

    `note` is a verb, without its unit of work, that leaves word of the refusal in a transaction of its own.
    """

    def __init__(self, reason: Reason, note: Callable[[Any], object] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.note = note
