"""Groups: what the directory has put together, and which role each stands for."""

from datetime import datetime
from typing import Annotated, Self

import strawberry
from strawberry.dataloader import DataLoader

from graphql_facade.connections import After, Before, Connection, First, Last
from graphql_facade.context import Context, Info
from graphql_facade.nodes import Node, domain_id
from graphql_facade.refusals import BusyError, ForbiddenError, InvalidInputError, NotFoundError, UnauthenticatedError
from graphql_facade.resolvers import mutation, resolved
from graphql_facade.users import User
from service.actor import Role
from service.groups import fields, queries, roles
from service.pages import PageRequest

Query = Annotated[str | None, strawberry.argument(description="Part of the name.")]


@strawberry.type(description="A group of people; the directory decides who is in it.")
class Group(Node):
    """A row of `service.groups.fields.Group`."""

    display_name: str = strawberry.field(description="The group's name; unique in the workspace.")
    external_id: str | None = strawberry.field(description="The directory's own identifier of the group.")
    role: Role | None = strawberry.field(description="The role that members have through the group, if it has one.")
    created_at: datetime = strawberry.field(description="When the group was made.")
    updated_at: datetime = strawberry.field(description="When the group or its members last changed.")

    @classmethod
    def of(cls, row: fields.Group) -> Self:
        """The group of a row."""
        return cls(
            id=strawberry.ID(row.id),
            display_name=row.display_name,
            external_id=row.external_id,
            role=Role(row.role) if row.role else None,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )

    @resolved("The people in the group, by name.")
    async def members(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[User]:
        """A page of members."""
        wanted = PageRequest(first=first, after=after, last=last, before=before)
        page = await info.context.read(queries.page_members, self.id, wanted)
        return Connection[User].of(page, User.of, lambda: info.context.read(queries.count_members, self.id))


@strawberry.input(description="Which role a group stands for.")
class GroupRoleSetInput:
    """A group and a role."""

    id: strawberry.ID = strawberry.field(description="The group.")
    role: Role | None = strawberry.field(
        description="What its members may do: ADMIN or MEMBER, no more than you yourself; null for none."
    )


@strawberry.type(description="The group as it is now.")
class GroupRoleSetPayload:
    """The group."""

    group: Group = strawberry.field(description="The group.")


GroupRoleSetResult = Annotated[
    GroupRoleSetPayload | InvalidInputError | NotFoundError | ForbiddenError | UnauthenticatedError | BusyError,
    strawberry.union("GroupRoleSetResult", description="The group as it is now, or what stood in the way."),
]


@strawberry.type
class GroupMutations:
    """What can be done to groups from here."""

    @mutation("Map a group to a role, or to none. Its members get the role at once; owners stay owners.")
    async def group_role_set(self, info: Info, input: GroupRoleSetInput) -> GroupRoleSetResult:
        """Map."""
        row = await info.context.write(roles.set_group_role, domain_id(input.id), input.role)
        return GroupRoleSetPayload(group=Group.of(row))


async def group_by_id(context: Context, id: str) -> Group:
    """One group, or NotFound."""
    return Group.of(await context.read(queries.get_group, id))


def groups_of(context: Context) -> DataLoader[str, list[Group]]:
    """The groups that a person with this id is in, read with those of others who are asked for at the same time."""

    async def found(user_ids: list[str]) -> list[list[Group]]:
        groups = await context.read(queries.groups_of_users, user_ids)
        return [[Group.of(row) for row in groups.get(user_id, ())] for user_id in user_ids]

    return DataLoader(found, cache=False)  # a mutation may come between two fields that ask


async def page_of_groups(context: Context, wanted: PageRequest, text: str | None) -> Connection[Group]:
    """One page of the workspace's groups."""
    page = await context.read(queries.page_groups, text, wanted)
    return Connection[Group].of(page, Group.of, lambda: context.read(queries.count_groups, text))
