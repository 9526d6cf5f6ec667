"""API keys that are about to expire: whoever can replace one is told in time."""

from datetime import timedelta

from sqlalchemy import bindparam, or_

from service.actor import Permission, Role
from service.api_keys import ApiKey
from service.clock import now
from service.mail.letters import key_expires
from service.mail.outbox import post
from service.store.columns import table_of
from service.unit_of_work import UnitOfWork, narrowed
from service.users.fields import User, primary_email, shown_name
from service.workspaces import Workspace

WARNED_BEFORE = (20, 3)  # days

_K, _U = table_of(ApiKey), table_of(User)
_EXPIRING = narrowed(ApiKey).where(
    _K.c.revoked_at.is_(None),
    _K.c.rotated_to_id.is_(None),
    _K.c.expires_at > bindparam("at"),
    _K.c.expires_at <= bindparam("until"),
    or_(_K.c.warned_days.is_(None), _K.c.warned_days > bindparam("days")),
)
_active = narrowed(User).where(_U.c.active.is_(True))
_ADMINS = _active.where(or_(_U.c.role == Role.OWNER.value, _U.c.role == Role.ADMIN.value)).order_by(_U.c.id)
_ONE = _active.where(_U.c.id == bindparam("id"))
_OWN = narrowed(Workspace)


def warn_of_expiry(uow: UnitOfWork) -> int:
    """Post a mail about each key that expires within 20, and once more within 3 days: how many keys there were.

    About a workspace's key to every admin and owner, about a person's own to that person. A key that was made for a
    shorter time than that, or that is being replaced, needs no warning.
    """
    uow.demand(Permission.MAIL_CARRY)
    workspace = uow.first(_OWN)
    warned: set[str] = set()
    if workspace is None:
        return 0
    for days in sorted(WARNED_BEFORE):
        at = now()
        for key in uow.all(_EXPIRING, at=at, until=at + timedelta(days=days), days=days):
            ends = key.expires_at
            if ends is None or key.id in warned or ends - key.created_at <= timedelta(days=days):
                continue
            warned.add(key.id)
            uow.keep(ApiKey, key.id, {"warned_days": days})
            for user in uow.all(_ADMINS) if key.owner_id is None else uow.all(_ONE, id=key.owner_id):
                if recipient := primary_email(user):
                    said = {"name": shown_name(user), "workspace": workspace.name, "key": key.name, "hint": key.hint}
                    post(uow, key_expires(recipient, **said, at=ends, used_at=key.last_used_at))
    return len(warned)
