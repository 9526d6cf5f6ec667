"""Workspaces: how one is founded, found and kept apart."""

import pytest

from service.actor import Role, support
from service.founding import found_workspace, person_fields
from service.ids import new_id
from service.passwords import PasswordHasher
from service.refusals import Forbidden, Invalid, NotFound, Reason, Taken
from service.users.fields import shown_name
from service.users.queries import all_users
from service.work import Work
from service.workspaces import Plan, all_workspaces, create_workspace, find_workspace, get_workspace
from tests.service.cast import Acme, Globex, nothing_changes, refusal, signed_in
from tests.stage import PASSWORD

pytestmark = pytest.mark.anyio


async def why_not(work: Work, subdomain: str, name: str = "Initech") -> Reason:
    actor = support(new_id("wsp"))
    async with nothing_changes(work):
        return await refusal(work.write(actor, create_workspace, subdomain=subdomain, name=name, plan=Plan.STANDARD))


@pytest.mark.parametrize(
    "subdomain",
    [
        "",
        "my_company",  # Okta refuses a base URL with it
        "-a",
        "a-",
        "a.b",
        "ACME",
        "ümlaut",
        "a b",
        "a\n",
        "x" * 64,
        "acme\u200b",
        "１",  # noqa: RUF001 - fullwidth on purpose
        "api",
        "www",
    ],
)
async def test_a_subdomain_is_a_dns_label_and_not_reserved(work: Work, subdomain: str) -> None:
    reason = await why_not(work, subdomain)
    assert isinstance(reason, Invalid)
    assert reason.field == "subdomain"


@pytest.mark.parametrize("subdomain", ["a", "0", "a-b", "xn--mnchen-3ya", "x" * 63, "api-2"])
async def test_any_other_dns_label_will_do(work: Work, subdomain: str) -> None:
    actor = support(new_id("wsp"))
    made = await work.write(actor, create_workspace, subdomain=subdomain, name=" Initech ", plan=Plan.PREMIUM)
    assert (made.id, made.subdomain, made.name, made.plan) == (actor.workspace_id, subdomain, "Initech", "PREMIUM")
    assert await work.lookup(find_workspace, subdomain) == made
    assert await work.read(actor, get_workspace) == made


async def test_a_subdomain_belongs_to_one_workspace(work: Work, acme: Acme) -> None:
    assert await why_not(work, acme.subdomain) == Taken("Workspace", "subdomain", "acme")


@pytest.mark.parametrize("name", ["", " ", "\x00", "\ud800"])
async def test_a_workspace_has_a_name(work: Work, name: str) -> None:
    reason = await why_not(work, "initech", name)
    assert isinstance(reason, Invalid)
    assert reason.field == "name"


async def test_a_workspace_is_made_once(work: Work, acme: Acme) -> None:
    async with nothing_changes(work):
        again = work.write(acme.support, create_workspace, subdomain="acme-2", name="Acme", plan=Plan.STANDARD)
        assert isinstance(await refusal(again), Taken)


async def test_only_support_makes_workspaces(work: Work, acme: Acme) -> None:
    async with nothing_changes(work):
        for actor in (acme.alice, acme.directory, acme.nobody):
            refused = work.write(actor, create_workspace, subdomain="mine", name="Mine", plan=Plan.STANDARD)
            assert await refusal(refused) == Forbidden("workspaces:create")


async def test_workspaces_are_found_by_subdomain_and_listed_by_it(work: Work, acme: Acme, globex: Globex) -> None:
    assert [each.id for each in await work.lookup(all_workspaces)] == [acme.id, globex.id]
    assert await work.lookup(find_workspace, "nowhere") is None
    assert await work.lookup(find_workspace, "") is None


async def test_everybody_who_is_signed_in_reads_their_own_workspace(work: Work, acme: Acme, globex: Globex) -> None:
    for actor in (acme.alice, acme.bob):
        assert (await work.read(actor, get_workspace)).subdomain == "acme"
    assert (await work.read(globex.charlie, get_workspace)).subdomain == "globex"
    assert isinstance(await refusal(work.read(acme.nobody, get_workspace)), Forbidden)
    assert isinstance(await refusal(work.read(support("wsp_0"), get_workspace)), NotFound)


async def test_the_founder_owns_the_workspace_and_can_sign_in(work: Work, acme: Acme, hasher: PasswordHasher) -> None:
    (alice, *_) = await work.read(acme.alice, all_users)
    assert (alice.role, alice.managed_by, alice.active) == (Role.OWNER, "WORKSPACE", True)
    assert (alice.user_name, alice.given_name, alice.family_name) == ("alice@acme.example", "Alice", "Archer")
    assert alice.emails == [{"value": "alice@acme.example", "type": "work", "primary": True}]
    who, _ = await signed_in(work, hasher, "alice@acme.example")
    assert who.actor.role is Role.OWNER


async def test_two_foundings_of_one_subdomain_make_one_workspace(work: Work, hasher: PasswordHasher) -> None:
    said = {"subdomain": "initech", "name": "Initech", "owner_email": "o@initech.example", "password": PASSWORD}
    await found_workspace(work, hasher, plan=Plan.STANDARD, owner_name=None, **said)
    async with nothing_changes(work):
        again = found_workspace(work, hasher, plan=Plan.STANDARD, owner_name=None, **said)
        assert await refusal(again) == Taken("Workspace", "subdomain", "initech")


@pytest.mark.parametrize(
    ("email", "name", "given", "family", "shown"),
    [
        ("a@acme.example", "Alice Archer", "Alice", "Archer", "Alice Archer"),
        ("a@acme.example", "  Ana  de la Cruz ", "Ana de la", "Cruz", "Ana  de la Cruz"),
        ("alice.archer@acme.example", None, "Alice", "Archer", "Alice Archer"),
        ("alice_m_archer@acme.example", None, "Alice M", "Archer", "Alice M Archer"),
        ("alice@acme.example", None, "Alice", "Acme", "Alice Acme"),
        ("a@acme.example", "Cher", "Cher", "Acme", "Cher"),
        ("_@acme.example", None, "Owner", "Acme", "Owner Acme"),
        ("@acme.example", "   ", "Owner", "Acme", "Owner Acme"),
    ],
)
def test_an_owner_has_a_given_and_a_family_name(
    email: str, name: str | None, given: str, family: str, shown: str
) -> None:
    owner = person_fields(email, name, family_name="Acme")
    assert (owner.given_name, owner.family_name, shown_name(owner)) == (given, family, shown)
    assert owner.user_name == email


def test_nobody_grants_above_themselves() -> None:
    assert [[a.may_grant(b) for b in Role] for a in Role] == [
        [True, True, True],
        [False, True, True],
        [False, False, True],
    ]
