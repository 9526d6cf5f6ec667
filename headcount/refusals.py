"""The domain's refusals as a sentence on a terminal."""

from typing import assert_never

from service.refusals import (
    Busy,
    DirectoryManaged,
    FlagOff,
    Forbidden,
    Invalid,
    LimitReached,
    NotFound,
    OwnerProtected,
    Reason,
    ReauthenticationRequired,
    Stale,
    Taken,
    Unauthenticated,
    WorkspaceDecides,
)


def sentence(reason: Reason) -> str:
    """What the operator reads."""
    match reason:
        case NotFound(kind, id):
            return f"there is no {kind} {id!r} in this workspace"
        case Taken(_, field, value, why):
            return f"{field} {value!r} {why}"
        case Invalid(field, why):
            return f"{field} {why}"
        case Forbidden(permission):
            return f"this takes the permission {permission}"
        case Stale(kind, id):
            return f"{kind} {id} has changed meanwhile; try again"
        case Unauthenticated(why) | OwnerProtected(why) | FlagOff(_, why) | Busy(why, _):
            return why
        case DirectoryManaged(_, why) | WorkspaceDecides(why) | LimitReached(why, _) | ReauthenticationRequired(why):
            return why
        case _:
            assert_never(reason)
