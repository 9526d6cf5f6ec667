"""Provisioning: how an identity provider reaches the workspace, and what it may do there."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from graphql_facade.connections import After, Before, Connection, First, Last
from graphql_facade.context import Info
from graphql_facade.enums import publish
from graphql_facade.flags import all_flags
from graphql_facade.provisioning_decisions import (
    MassDeactivationBreaker,
    ProvisioningConflict,
    ProvisioningPause,
    State,
    page_of_conflicts,
    pause_of,
)
from graphql_facade.provisioning_log import (
    ProvisioningEvent,
    ProvisioningEventFilterArgument,
    page_of_provisioning_events,
)
from graphql_facade.refusals import BusyError, ForbiddenError, InvalidInputError, UnauthenticatedError
from graphql_facade.resolvers import mutation, resolved
from service import workspaces
from service.actor import Role
from service.flags import Flag
from service.pages import PageRequest
from service.provisioning import tolerances
from service.provisioning.breaker import breaker_state
from service.provisioning.settings import provisioning_settings, set_provisioning_settings
from service.provisioning.tolerances import strict_readiness
from service.refusals import Invalid, Refused
from service.workspaces import LinkExistingUsers

publish(
    LinkExistingUsers,
    "What happens when the directory writes to somebody whom it did not create.",
    AUTOMATIC="The person comes under its management; an owner never does.",
    ASK="The write is refused until an admin has decided.",
)

_LINK = "What happens when the directory writes to somebody whom it did not create."
_ROLE = "The role of people whom the directory creates: ADMIN or MEMBER."
_STRICT = "Whether requests are refused that are understood only because identity providers are known to send them."
_DAYS = "For how many days the provisioning log is kept, 1 to 365."
_PERCENT = (
    "Of the active people, how many percent the directory may deactivate within `breakerMinutes` unasked, 1 to 100."
)
_MINIMUM = "Fewer people than this are never too many, whatever their share."
_MINUTES = "The minutes that `breakerPercent` is counted over, 1 to 1,440; what would go beyond it waits for an admin."


@strawberry.type(description="The workspace's own say in how its directory provisions people.")
class ProvisioningSettings:
    """`service.workspaces.ProvisioningSettings`."""

    link_existing_users: LinkExistingUsers = strawberry.field(description=_LINK)
    default_role: Role = strawberry.field(description=_ROLE)
    strict_scim: bool = strawberry.field(description=_STRICT)
    provisioning_log_days: int = strawberry.field(description=_DAYS)
    breaker_percent: int = strawberry.field(description=_PERCENT)
    breaker_minimum: int = strawberry.field(description=_MINIMUM)
    breaker_minutes: int = strawberry.field(description=_MINUTES)

    @classmethod
    def of(cls, settings: workspaces.ProvisioningSettings) -> Self:
        """As the domain has them."""
        return cls(**settings.model_dump())


@strawberry.type(description="That an API key's requests needed something that the standard does not ask for.")
class ToleranceUse:
    """A row of `service.provisioning.tolerances.ToleranceUse`."""

    api_key_id: strawberry.ID = strawberry.field(description="The key.")
    api_key_name: str = strawberry.field(description="The key's name then.")
    tolerance: str = strawberry.field(description="What was forgiven; docs/entra.md lists all there are.")
    times: int = strawberry.field(description="In how many requests.")
    first_at: datetime = strawberry.field(description="When it was first needed.")
    last_at: datetime = strawberry.field(description="When it was last needed.")

    @classmethod
    def of(cls, row: tolerances.ToleranceUse) -> Self:
        """As the domain has it."""
        return cls(**{name: getattr(row, name) for name in cls.__annotations__})


@strawberry.type(description="Whether the workspace's identity providers would get on with `strictScim`.")
class StrictReadiness:
    """`service.provisioning.tolerances.StrictReadiness`."""

    is_safe: bool = strawberry.field(
        description="Whether no key that is in force has needed a tolerance within the last 30 days."
    )
    blocking: list[ToleranceUse] = strawberry.field(description="What stands against it.")
    uses: list[ToleranceUse] = strawberry.field(description="All that was ever needed, the latest first.")

    @classmethod
    def of(cls, state: tolerances.StrictReadiness) -> Self:
        """As the domain has it."""
        blocking = [ToleranceUse.of(use) for use in state.blocking]
        return cls(is_safe=not blocking, blocking=blocking, uses=[ToleranceUse.of(use) for use in state.uses])


@strawberry.type(description="How an identity provider reaches the workspace, and what it may do there.")
class Provisioning:
    """Each field is looked up when it is asked for."""

    base_url: str = strawberry.field(description="The SCIM base URL, to paste into the identity provider.")

    @resolved("Whether SCIM is switched on; only support can switch it.")
    async def enabled(self, info: Info) -> bool:
        """From the flag."""
        flags = await all_flags(info.context)
        return any(flag.enabled for flag in flags if flag.key is Flag.SCIM_PROVISIONING)

    @resolved("The provisioning log, the newest entries first.")
    async def events(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: ProvisioningEventFilterArgument = None,
    ) -> Connection[ProvisioningEvent]:
        """A page of entries."""
        wanted = PageRequest(first=first, after=after, last=last, before=before)
        return await page_of_provisioning_events(info.context, wanted, filter)

    @resolved("People who were there before the directory asked for them, the newest conflicts first.")
    async def conflicts(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        state: State = None,
    ) -> Connection[ProvisioningConflict]:
        """A page of conflicts."""
        wanted = PageRequest(first=first, after=after, last=last, before=before)
        return await page_of_conflicts(info.context, wanted, state)

    @resolved("What keeps the directory from ending too many people's access at once.")
    async def breaker(self, info: Info) -> MassDeactivationBreaker:
        """The breaker."""
        return MassDeactivationBreaker.of(await info.context.read(breaker_state))

    @resolved("Whether the workspace could be strict (`strictScim`).")
    async def strict_readiness(self, info: Info) -> StrictReadiness:
        """What stands against it."""
        return StrictReadiness.of(await info.context.read(strict_readiness))

    @resolved("Whether the directory has been told to wait.")
    async def pause(self, info: Info) -> ProvisioningPause:
        """The pause."""
        return await pause_of(info.context)

    @resolved("What the workspace has decided.")
    async def settings(self, info: Info) -> ProvisioningSettings:
        """The settings."""
        return ProvisioningSettings.of(await info.context.read(provisioning_settings))


@strawberry.input(description="Changes of the settings: what is left out stays as it is. Nothing here can be null.")
class ProvisioningSettingsUpdateInput:
    """`service.workspaces.ProvisioningSettings`, each at will."""

    link_existing_users: strawberry.Maybe[LinkExistingUsers | None] = strawberry.field(description=_LINK)
    default_role: strawberry.Maybe[Role | None] = strawberry.field(description=_ROLE)
    strict_scim: strawberry.Maybe[bool | None] = strawberry.field(description=_STRICT)
    provisioning_log_days: strawberry.Maybe[int | None] = strawberry.field(description=_DAYS)
    breaker_percent: strawberry.Maybe[int | None] = strawberry.field(description=_PERCENT)
    breaker_minimum: strawberry.Maybe[int | None] = strawberry.field(description=_MINIMUM)
    breaker_minutes: strawberry.Maybe[int | None] = strawberry.field(description=_MINUTES)


@strawberry.type(description="The settings as they are now.")
class ProvisioningSettingsUpdatePayload:
    """All of them."""

    settings: ProvisioningSettings = strawberry.field(description="The settings.")


ProvisioningSettingsUpdateResult = Annotated[
    ProvisioningSettingsUpdatePayload | InvalidInputError | ForbiddenError | UnauthenticatedError | BusyError,
    strawberry.union("ProvisioningSettingsUpdateResult", description="The settings, or what stood in the way."),
]


@strawberry.type
class ProvisioningMutations:
    """What can be decided about provisioning."""

    @mutation("Change what the directory may do: all that the input says, or nothing.")
    async def provisioning_settings_update(
        self, info: Info, input: ProvisioningSettingsUpdateInput
    ) -> ProvisioningSettingsUpdateResult:
        """Update."""
        given = {name: getattr(input, name) for name in workspaces.ProvisioningSettings.model_fields}
        changes = {name: maybe.value for name, maybe in given.items() if maybe}
        for name, value in changes.items():
            if value is None:
                raise Refused(Invalid(name, "must not be null"))
        settings = await info.context.write(set_provisioning_settings, changes)
        return ProvisioningSettingsUpdatePayload(settings=ProvisioningSettings.of(settings))
