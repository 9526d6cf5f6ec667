"""Groups in the domain: what a change of members costs and says, and what a mapped group makes of people."""

import asyncio
import itertools

import pytest

from service.actor import Role, support
from service.groups.commands import create_group, delete_group, update_group
from service.groups.fields import Group, GroupFields, MemberAct, MemberChange, NetChange, group_fields
from service.groups.queries import count_members, get_group, groups_of_users, members_of_groups
from service.groups.roles import set_group_role
from service.ids import new_id
from service.provisioning.settings import set_provisioning_settings
from service.refusals import Forbidden, Invalid, NotFound
from service.store import sqlite
from service.users.commands import delete_user, set_role, update_user
from service.users.queries import get_user
from service.work import Work
from tests.scim_facade.crowds import add_crowd
from tests.service.cast import Acme, Globex, changed, events, nothing_changes, refusal
from tests.service.databases import CountingStore

pytestmark = pytest.mark.anyio

NUMBERS = itertools.count(0, 100_000)


def add(*user_ids: str) -> MemberChange:
    return MemberChange(MemberAct.ADD, user_ids)


def remove(*user_ids: str) -> MemberChange:
    return MemberChange(MemberAct.REMOVE, user_ids)


def replace(*user_ids: str) -> MemberChange:
    return MemberChange(MemberAct.REPLACE, user_ids)


def same(group: Group) -> GroupFields:
    return GroupFields(display_name=group.display_name, external_id=group.external_id)


async def made(work: Work, acme: Acme, *members: str, name: str = "Engineers") -> Group:
    fields = group_fields({"display_name": name})
    return await work.write(acme.directory, create_group, fields, [add(*members)])


async def people(work: Work, acme: Acme, number: int) -> list[str]:
    """Ids of new people."""
    first = next(NUMBERS)
    return await work.write(acme.directory, add_crowd, range(first, first + number))


@pytest.mark.parametrize(
    ("changes", "net"),
    [
        ([], NetChange(False, (), ())),
        ([add("a", "b"), remove("a")], NetChange(False, ("b",), ("a",))),
        ([remove("a"), add("a")], NetChange(False, ("a",), ())),
        ([add("a"), replace("b"), add("c"), remove("b")], NetChange(True, ("c",), ("b",))),
        ([add("a"), replace()], NetChange(True, (), ())),
    ],
)
def test_changes_of_members_come_to_one_net_change(changes: list[MemberChange], net: NetChange) -> None:
    assert NetChange.of(changes) == net


async def test_a_change_of_256_members_costs_the_same_in_a_group_of_10_and_of_10_000(
    work: Work, acme: Acme, store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_THOUSANDS_IN_PLACE", 10_000)  # what is begun again is not counted twice
    everybody = await people(work, acme, 10_256)
    movers = everybody[-256:]
    counts = {}
    for size in (10, 10_000):
        group = await made(work, acme, *everybody[:size], name=f"group of {size}")
        for name, change in (("add", add(*movers)), ("remove", remove(*movers)), ("replace", replace(*movers))):
            with store.counting() as statements:
                await work.write(acme.directory, update_group, group.id, same, [change])
            counts[name, size] = len(statements)
        assert await work.read(acme.alice, count_members, group.id) == 256
    assert {name: count for (name, size), count in counts.items() if size == 10} == {
        name: count for (name, size), count in counts.items() if size == 10_000
    }
    assert max(counts.values()) <= 10


async def test_the_audit_log_says_who_joined_and_who_left(work: Work, acme: Acme) -> None:
    bob, ann = acme.people["Bob"], acme.people["Ann"]
    group = await made(work, acme, bob)
    await work.write(acme.directory, update_group, group.id, same, [replace(ann)])
    event = (await events(work, acme))[-1]
    assert (event.action, event.target_id, event.target_name) == ("GROUP_MEMBERS_CHANGED", group.id, "Engineers")
    assert event.changes == [{"field": "members", "before": "Bob", "after": "Ann"}]
    many = await people(work, acme, 25)
    await work.write(acme.directory, update_group, group.id, same, [add(*many)])
    change = ((await events(work, acme))[-1].changes or [])[0]
    assert change["before"] is None
    assert str(change["after"]).endswith(" and 5 more")


async def test_who_is_no_user_of_the_workspace_joins_no_group(work: Work, acme: Acme, globex: Globex) -> None:
    group = await made(work, acme)
    async with nothing_changes(work):
        for stranger in (globex.people["Charlie"], "usr_nobody", "x" * 500, ""):
            change = [add(acme.people["Bob"], stranger)]
            reason = await refusal(work.write(acme.directory, update_group, group.id, same, change))
            assert isinstance(reason, Invalid)
            assert reason.field == "members"


async def test_who_is_deleted_while_joining_is_in_no_group(work: Work, acme: Acme) -> None:
    for _ in range(8):
        (somebody,) = await people(work, acme, 1)
        group = await made(work, acme, name=new_id("team"))
        await asyncio.gather(
            work.write(acme.directory, update_group, group.id, same, [add(somebody)]),
            work.write(acme.directory, delete_user, somebody),
            return_exceptions=True,
        )
        assert await work.read(acme.directory, members_of_groups, [group.id]) == {}
        assert await work.read(acme.directory, groups_of_users, [somebody]) == {}


async def role_of(work: Work, acme: Acme, user_id: str) -> Role:
    return Role((await work.read(acme.alice, get_user, user_id)).role)


async def test_members_have_the_role_that_their_group_is_mapped_to(work: Work, acme: Acme) -> None:
    first, second, third = await people(work, acme, 3)
    group = await made(work, acme, first)
    await work.write(acme.ann, set_group_role, group.id, Role.ADMIN)
    assert await role_of(work, acme, first) is Role.ADMIN
    await work.write(acme.directory, update_group, group.id, same, [add(second)])
    assert await role_of(work, acme, second) is Role.ADMIN
    event = (await events(work, acme))[-1]
    assert (event.action, event.target_id) == ("USER_UPDATED", second)
    assert event.changes == [{"field": "role", "before": "MEMBER", "after": "ADMIN"}]
    other = await made(work, acme, second, name="Other admins")
    await work.write(acme.ann, set_group_role, other.id, Role.ADMIN)
    await work.write(acme.directory, update_group, group.id, same, [replace(third)])
    roles = [await role_of(work, acme, each) for each in (first, second, third)]
    assert roles == [Role.MEMBER, Role.ADMIN, Role.ADMIN]  # the second is still in the other group
    await work.write(acme.directory, delete_group, group.id)
    await work.write(acme.ann, set_group_role, other.id, None)
    assert [await role_of(work, acme, each) for each in (second, third)] == [Role.MEMBER, Role.MEMBER]


async def test_whoever_leaves_a_mapped_group_gets_the_default_role(work: Work, acme: Acme) -> None:
    (somebody,) = await people(work, acme, 1)
    group = await made(work, acme, somebody)
    await work.write(acme.alice, set_group_role, group.id, Role.MEMBER)
    await work.write(acme.alice, set_provisioning_settings, {"default_role": Role.ADMIN})
    await work.write(acme.directory, update_group, group.id, same, [remove(somebody)])
    assert await role_of(work, acme, somebody) is Role.ADMIN


async def test_no_group_makes_or_unmakes_an_owner(work: Work, acme: Acme) -> None:
    alice, bob = acme.people["Alice"], acme.people["Bob"]
    group = await made(work, acme, alice, bob)
    async with nothing_changes(work):
        reason = await refusal(work.write(acme.alice, set_group_role, group.id, Role.OWNER))
        assert isinstance(reason, Invalid)
    await work.write(acme.alice, set_group_role, group.id, Role.MEMBER)
    await work.write(acme.directory, update_group, group.id, same, [replace()])
    assert await role_of(work, acme, alice) is Role.OWNER


async def test_a_role_that_an_admin_has_given_stays_with_who_leaves_a_lesser_group(work: Work, acme: Acme) -> None:
    (somebody,) = await people(work, acme, 1)
    group = await made(work, acme, somebody)
    await work.write(acme.alice, set_group_role, group.id, Role.MEMBER)
    await work.write(acme.alice, set_role, somebody, Role.ADMIN)
    await work.write(acme.directory, update_group, group.id, same, [remove(somebody)])
    assert await role_of(work, acme, somebody) is Role.ADMIN


async def test_only_admins_and_owners_map_groups(work: Work, acme: Acme, globex: Globex) -> None:
    group = await made(work, acme)
    async with nothing_changes(work):
        for actor in (acme.bob, acme.directory):
            assert isinstance(await refusal(work.write(actor, set_group_role, group.id, Role.ADMIN)), Forbidden)
        assert isinstance(await refusal(work.write(globex.charlie, set_group_role, group.id, Role.ADMIN)), NotFound)
        for actor in (acme.alice, acme.bob):
            fields = group_fields({"display_name": "Mine"})
            assert isinstance(await refusal(work.write(actor, create_group, fields)), Forbidden)
    assert isinstance(await refusal(work.read(support("wsp_0"), get_group, group.id)), NotFound)


async def test_membership_and_role_outlast_a_deactivation(work: Work, acme: Acme) -> None:
    (somebody,) = await people(work, acme, 1)
    group = await made(work, acme, somebody)
    await work.write(acme.alice, set_group_role, group.id, Role.ADMIN)
    await work.write(acme.directory, update_user, somebody, changed(active=False))
    await work.write(acme.directory, update_user, somebody, changed(active=True))
    assert await role_of(work, acme, somebody) is Role.ADMIN
    assert list(await work.read(acme.directory, groups_of_users, [somebody])) == [somebody]
