"""The domain's refusals in SCIM's words (RFC 7644, 3.12)."""

from typing import assert_never

from scim_facade.advice import Step
from scim_facade.messages import Rejected
from scim_facade.resource_types import spelling
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


def rejected(reason: Reason) -> Rejected:  # noqa: C901 - a case each
    """What an identity provider is told."""
    match reason:
        case NotFound(kind, id):
            return Rejected(404, f"There is no {kind} with the id {id!r} in this workspace.")
        case Taken(_, field, value, why):
            return Rejected(409, f"{spelling(field)} {value!r} {why}.", "uniqueness")
        case Invalid(field, why):
            return Rejected(400, f"{spelling(field)} {why}.", "invalidValue")
        case Forbidden(permission):
            why = f"This API key lacks the permission {permission!r}: create a key with the SCIM scope."
            return Rejected(403, why, step=Step.CREDENTIALS)
        case Unauthenticated(why):
            challenge = {"WWW-Authenticate": 'Bearer realm="scim", error="invalid_token"'}
            return Rejected(401, why, headers=challenge, step=Step.CREDENTIALS)
        case Stale(kind, id):
            why = "does not have a version that this request was meant for: read it again and repeat the request"
            return Rejected(412, f"{kind} {id} {why}.")
        case OwnerProtected(why):
            return Rejected(409, why, step=Step.RETRY)
        case FlagOff(_, why) | ReauthenticationRequired(why):
            return Rejected(403, why, step=Step.RETRY)
        case DirectoryManaged(_, why) | WorkspaceDecides(why):
            return Rejected(409, why, step=Step.RETRY)
        case LimitReached(why, None):
            return Rejected(403, why, step=Step.RETRY)
        case LimitReached(why, retry_after):
            return Rejected(429, why, headers={"Retry-After": str(retry_after)})
        case Busy(why, retry_after):
            return Rejected(503, f"{why} Try again.", headers={"Retry-After": str(retry_after)})
        case _:
            assert_never(reason)
