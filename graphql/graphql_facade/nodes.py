"""Things with an id: the same id that SCIM, the command line and the audit log show."""

import strawberry

from service.ids import is_possible


@strawberry.interface(description="Anything that has an id and can be fetched by it.")
class Node:
    """Relay's Node."""

    id: strawberry.ID = strawberry.field(description="Unique among all things. Its prefix says what it is of.")


def domain_id(id: strawberry.ID) -> str:
    """An id as verbs take it; "", which is nothing's id, where it cannot be one."""
    return id if is_possible(id) else ""
