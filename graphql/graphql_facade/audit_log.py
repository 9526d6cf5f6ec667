"""The audit log: who did what, to what, when and through which door."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from graphql_facade.connections import Connection
from graphql_facade.context import Context
from graphql_facade.enums import publish
from graphql_facade.flags import WorkspaceFlag, flag_id
from graphql_facade.nodes import Node, domain_id
from graphql_facade.spelling import camel_case
from service import audit, audit_log
from service.actor import Actor, ActorKind, Channel
from service.audit import Action
from service.flags import Flag
from service.pages import PageRequest
from service.work import Work

publish(
    ActorKind,
    "What somebody who acts is.",
    USER="A person of the workspace.",
    API_KEY="The holder of an API key.",
    SUPPORT="A member of the support staff, or the operator of this installation.",
    SYSTEM="The service itself, at its background work.",
    NOBODY="Somebody who was about to sign in.",
)
publish(
    Channel,
    "The door that an act came through.",
    APP="The settings pages.",
    API="This API, with an API key.",
    SCIM="An identity provider.",
    SUPPORT="The support staff's console, or the operator's command line.",
    SYSTEM="None: the service's own background work.",
)
publish(
    Action,
    "What can happen.",
    name="AuditAction",
    WORKSPACE_CREATED="The workspace was created.",
    USER_CREATED="A person was added.",
    USER_UPDATED="Something about a person was changed.",
    USER_LINKED="A person came under the directory's management.",
    USER_UNLINKED="A person came out of the directory's management.",
    USER_DEACTIVATED="A person's access was ended.",
    USER_REACTIVATED="A person was given access again.",
    USER_DELETED="A person was removed for good.",
    GROUP_CREATED="A group was created.",
    GROUP_UPDATED="A group's name or its id in the directory was changed.",
    GROUP_MEMBERS_CHANGED="People joined or left a group.",
    GROUP_ROLE_SET="A group was mapped to a role, or is not any more.",
    GROUP_DELETED="A group was removed for good.",
    USER_INVITED="A person was invited by mail.",
    INVITATION_ACCEPTED="A person has accepted the invitation.",
    NEW_PASSWORD_ASKED_FOR="A link to set a new password was mailed to a person.",  # noqa: S106 - a description
    PASSWORD_SET="A person's password was set.",  # noqa: S106 - a description
    API_KEY_CREATED="An API key was created.",
    API_KEY_ROTATED="An API key was replaced by another.",
    API_KEY_REVOKED="An API key was revoked.",
    FLAG_SET="A flag was set, or what it was set to has ended.",
    PLAN_SET="The workspace was put on another plan; `changes` name the flags that this switched.",
    MASS_DEACTIVATION_STOPPED="The directory was about to end too many people's access, and was stopped.",
    MASS_DEACTIVATION_APPROVED="An admin let the directory go on.",
    PROVISIONING_PAUSED="An admin told the directory to wait.",
    PROVISIONING_RESUMED="An admin let the directory in again.",
    CONFLICT_DECIDED="An admin decided about a person whom the directory asked for.",
    SEATS_SET="The number of people who may have access was set.",
    PROVISIONING_SETTINGS_CHANGED="Something that the directory may do was changed.",
    AUDIT_LOG_TRIMMED="Events from before the time that the operator keeps them for were removed.",
    AUDIT_LOG_EXPORTED="Events were taken out as a file; `changes` say by which filter.",
    SIGNED_IN="A person signed in.",
    SIGNED_OUT="A person signed out.",
    SESSIONS_REVOKED="Sessions of a person were ended by them or by an admin.",
    SIGN_IN_SLOWED_DOWN="There were too many attempts to sign in with one name, or from one address.",
)


@strawberry.type(description="Who acted, as they were then; they may be gone by now.")
class AuditActor:
    """What the log keeps of an actor."""

    kind: ActorKind = strawberry.field(description="What they are.")
    id: strawberry.ID = strawberry.field(description="Their id; a person's or a key's can be fetched with `node`.")
    display_name: str = strawberry.field(description="The name they had then.")


@strawberry.type(description="What was acted on, as it was then; it may be gone by now.")
class AuditTarget:
    """What the log keeps of a target."""

    kind: str = strawberry.field(description="The name of its type, such as `User`.")
    id: strawberry.ID = strawberry.field(description="Its id; what is still there can be fetched with `node`.")
    display_name: str = strawberry.field(description="The name it had then.")


@strawberry.type(description="A field before and after.")
class Change:
    """`service.audit.Change`."""

    field: str = strawberry.field(description="The field's name.")
    before: str | None = strawberry.field(description="What it was, as a person would read it.")
    after: str | None = strawberry.field(description="What it became.")


@strawberry.type(description="Something that happened. Events are added and never changed.")
class AuditEvent(Node):
    """A row of `service.audit.AuditEvent`."""

    at: datetime = strawberry.field(description="When it happened.")
    action: Action = strawberry.field(description="What happened.")
    actor: AuditActor = strawberry.field(description="Who did it.")
    target: AuditTarget = strawberry.field(description="To what.")
    changes: list[Change] = strawberry.field(description="What changed.")
    channel: Channel = strawberry.field(description="The door it came through.")
    reason: str | None = strawberry.field(description="Why, in the words of who did it, where they must say so.")
    ip: str | None = strawberry.field(description="The address it came from.")
    request_id: strawberry.ID | None = strawberry.field(description="The request that did it.")

    @classmethod
    def of(cls, row: audit.AuditEvent) -> Self:
        """The event of a row."""
        return cls(
            id=strawberry.ID(row.id),
            at=row.at,
            action=Action(row.action),
            actor=AuditActor(
                kind=ActorKind(row.actor_kind), id=strawberry.ID(row.actor_id), display_name=row.actor_name
            ),
            target=AuditTarget(
                kind=row.target_kind,
                id=published_id(row.workspace_id, row.target_kind, row.target_id),
                display_name=row.target_name,
            ),
            changes=[
                Change(field=camel_case(each["field"] or ""), before=each["before"], after=each["after"])
                for each in row.changes or ()
            ],
            channel=Channel(row.channel),
            reason=row.reason,
            ip=row.ip,
            request_id=None if row.request_id is None else strawberry.ID(row.request_id),
        )


@strawberry.input(description="Which events to list; what is left out, null or an empty list does not matter.")
class AuditFilter:
    """`service.audit_log.AuditFilter`."""

    action: list[Action] | None = strawberry.field(default=None, description="One of these happened.")
    channel: list[Channel] | None = strawberry.field(default=None, description="It came through one of these doors.")
    actor_id: strawberry.ID | None = strawberry.field(default=None, description="They did it.")
    target_id: strawberry.ID | None = strawberry.field(default=None, description="It was done to this.")
    since: datetime | None = strawberry.field(default=None, description="Then or later.")
    until: datetime | None = strawberry.field(default=None, description="Before then.")

    def in_domain(self, workspace_id: str) -> audit_log.AuditFilter:
        """The filter in the domain's words."""
        return audit_log.AuditFilter(
            actions=tuple(action for action in Action if action in (self.action or ())) or None,
            channels=tuple(channel for channel in Channel if channel in (self.channel or ())) or None,
            actor_id=None if self.actor_id is None else domain_id(self.actor_id),
            target_id=None if self.target_id is None else _kept_id(workspace_id, self.target_id),
            since=self.since,
            until=self.until,
        )


AuditFilterArgument = Annotated[AuditFilter | None, strawberry.argument(description="Which events.")]


async def audit_event_by_id(context: Context, id: str) -> AuditEvent:
    """One event, or NotFound."""
    return AuditEvent.of(await context.read(audit_log.get_audit_event, id))


async def page_of_audit_events(
    context: Context, wanted: PageRequest, filter: AuditFilter | None
) -> Connection[AuditEvent]:
    """One page of the workspace's events, the newest first."""
    return await events_page(context.work, await context.actor(), wanted, filter)


async def events_page(
    work: Work, actor: Actor, wanted: PageRequest, filter: AuditFilter | None
) -> Connection[AuditEvent]:
    """The same of a workspace in which somebody acts."""
    which = (filter or AuditFilter()).in_domain(actor.workspace_id)
    page = await work.read(actor, audit_log.page_audit_events, which, wanted)
    return Connection[AuditEvent].of(page, AuditEvent.of, lambda: work.read(actor, audit_log.count_audit_events, which))


def published_id(workspace_id: str, kind: str, id: str) -> strawberry.ID:
    """The log names a flag by its key alone."""
    return flag_id(workspace_id, id) if kind == WorkspaceFlag.__name__ else strawberry.ID(id)


def _kept_id(workspace_id: str, id: strawberry.ID) -> str:
    keys = {flag_id(workspace_id, flag.value): flag.value for flag in Flag}
    return keys.get(id) or domain_id(id)
