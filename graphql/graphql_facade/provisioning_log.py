"""The provisioning log: what the directory asked for, what came of it, and the exchange itself, without secrets."""

from datetime import datetime
from typing import Annotated, Self

import strawberry
from strawberry.dataloader import DataLoader

from graphql_facade.audit_log import AuditTarget, Change
from graphql_facade.connections import Connection
from graphql_facade.context import Context
from graphql_facade.enums import publish
from graphql_facade.nodes import Node, domain_id
from graphql_facade.spelling import camel_case
from service.pages import PageRequest
from service.provisioning import log
from service.provisioning.log import Operation, Outcome

publish(
    Operation,
    "What a request of the directory came to.",
    name="ProvisioningOperation",
    TEST="A test of the connection.",
    DISCOVERY="A question about what this service can do.",
    LOOKUP="A search for people or groups.",
    LIST="A page of people or groups.",
    READ="A look at one person or group.",
    CREATE="A new person.",
    LINK="A person who was there already came under the directory's management.",
    UPDATE="A change of a person.",
    DEACTIVATE="The end of a person's access.",
    REACTIVATE="Access given back to a person.",
    DELETE="A person removed for good.",
    GROUP_CHANGE="A group, or who is in it.",
    BULK="Many operations at once; each has an entry of its own, with the same request id.",
    OTHER="Anything else.",
    ENTRIES_LOST="None: this entry says that others are missing.",
)
publish(
    Outcome,
    "How a request of the directory ended.",
    name="ProvisioningOutcome",
    DONE="What was asked for was done.",
    REFUSED="It was refused; `response` says why, and what to do.",
    FAILED="It failed on our side, and nothing was changed.",
)


@strawberry.type(description="A request of the directory, and what it was told.")
class ProvisioningEvent(Node):
    """A row of `service.provisioning.log.ProvisioningEvent`."""

    at: datetime = strawberry.field(description="When it was answered.")
    operation: Operation = strawberry.field(description="What it came to.")
    outcome: Outcome = strawberry.field(description="How it ended.")
    status: int = strawberry.field(description="The HTTP status of the answer.")
    duration_ms: int = strawberry.field(description="How long it took, in milliseconds.")
    api_key_id: strawberry.ID = strawberry.field(description="The API key that it showed.")
    api_key_name: str = strawberry.field(description="That key's name then.")
    client: str | None = strawberry.field(description="What the client calls itself, such as Okta.")
    ip: str | None = strawberry.field(description="From which address it came.")
    request_id: str | None = strawberry.field(description="What the error that the directory shows ends with.")
    target: AuditTarget | None = strawberry.field(description="Whom or what it was about, where it named or made one.")
    changes: list[Change] = strawberry.field(description="What it changed.")
    tolerances: list[str] = strawberry.field(
        description="What it was forgiven that the standard does not ask for, by name; docs/entra.md lists them."
    )
    method: str = strawberry.field(description="The HTTP method.")
    address: str = strawberry.field(description="The address below the base URL.")
    request: str | None = strawberry.field(description="What was sent, without passwords; long texts are cut.")
    response: str | None = strawberry.field(description="What was answered; long texts are cut.")

    @classmethod
    def of(cls, row: log.ProvisioningEvent) -> Self:
        """The entry of a row."""
        target = None
        if row.target_kind and row.target_id:
            name = row.target_name or row.target_id
            target = AuditTarget(kind=row.target_kind, id=strawberry.ID(row.target_id), display_name=name)
        return cls(
            id=strawberry.ID(row.id),
            at=row.at,
            operation=Operation(row.operation),
            outcome=Outcome(row.outcome),
            status=row.status,
            duration_ms=row.duration_ms,
            api_key_id=strawberry.ID(row.api_key_id),
            api_key_name=row.api_key_name,
            client=row.client,
            ip=row.ip,
            request_id=row.request_id,
            target=target,
            changes=[
                Change(field=camel_case(each["field"] or ""), before=each["before"], after=each["after"])
                for each in row.changes or ()
            ],
            tolerances=row.tolerances or [],
            method=row.method,
            address=row.address,
            request=row.request,
            response=row.response,
        )


@strawberry.input(description="Which entries to list; what is left out or null does not matter.")
class ProvisioningEventFilter:
    """`service.provisioning.log.ProvisioningFilter`."""

    operation: Operation | None = strawberry.field(default=None, description="That came to this.")
    outcome: Outcome | None = strawberry.field(default=None, description="That ended so.")
    api_key_id: strawberry.ID | None = strawberry.field(default=None, description="That showed this key.")
    target_id: strawberry.ID | None = strawberry.field(default=None, description="That were about this.")
    request_id: str | None = strawberry.field(default=None, description="With this request id.")

    def in_domain(self) -> log.ProvisioningFilter:
        """The filter in the domain's words."""
        return log.ProvisioningFilter(
            operation=self.operation,
            outcome=self.outcome,
            api_key_id=domain_id(self.api_key_id) if self.api_key_id is not None else None,
            target_id=domain_id(self.target_id) if self.target_id is not None else None,
            request_id=domain_id(strawberry.ID(self.request_id)) if self.request_id is not None else None,
        )


ProvisioningEventFilterArgument = Annotated[
    ProvisioningEventFilter | None, strawberry.argument(description="Which entries.")
]


async def provisioning_event_by_id(context: Context, id: str) -> ProvisioningEvent:
    """One entry, or NotFound."""
    return ProvisioningEvent.of(await context.read(log.get_provisioning_event, id))


def last_event_of(context: Context) -> DataLoader[str, ProvisioningEvent | None]:
    """The newest entry about a person with this id, read with those of others who are asked for at the same time."""

    async def found(user_ids: list[str]) -> list[ProvisioningEvent | None]:
        events = await context.read(log.last_provisioning_events, user_ids)
        return [ProvisioningEvent.of(events[each]) if each in events else None for each in user_ids]

    return DataLoader(found, cache=False)  # a mutation may come between two fields that ask


async def page_of_provisioning_events(
    context: Context, wanted: PageRequest, filter: ProvisioningEventFilter | None
) -> Connection[ProvisioningEvent]:
    """One page of the workspace's entries, the newest first."""
    which = (filter or ProvisioningEventFilter()).in_domain()
    page = await context.read(log.page_provisioning_events, which, wanted)
    return Connection[ProvisioningEvent].of(
        page, ProvisioningEvent.of, lambda: context.read(log.count_provisioning_events, which)
    )
