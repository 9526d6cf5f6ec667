"""What lists and single answers say of the rows that are stored, good and bad ones."""

import json

from sqlalchemy import text

from tests.graphql_facade.browser import signed_in
from tests.scim_facade.crowds import owners_engine
from tests.scim_facade.people import created, found, patch
from tests.stage import Server


def test_lists_and_single_answers_say_the_same(server: Server) -> None:
    scim = server.found_another().scim()
    people = [created(scim, phoneNumbers=[{"value": str(number), "type": "work"}]) for number in range(3)]
    for person in people:
        group = {"displayName": f"{person['userName']}'s", "members": [{"value": person["id"]}]}
        assert scim.post("/Groups", json=group).status_code == 201
    patch(scim, people[0]["id"], {"op": "replace", "value": {"active": False}})
    for path in ("/Users", "/Groups"):
        listed = scim.get(path).json()
        assert listed["totalResults"] == len(listed["Resources"]) >= 3
        for resource in listed["Resources"]:
            assert scim.get(f"{path}/{resource['id']}").json() == resource


BAD: tuple[object, ...] = (
    "text",
    7,
    {"value": "b@acme.example"},
    [None],
    ["text"],
    [{"value": 7, "primary": "perhaps"}],
    [[]],
)


def test_bad_rows_break_no_list(server: Server) -> None:
    """Rows that no verb of ours would store: a migration or a hand at the database might."""
    tenant = server.found_another()
    scim = tenant.scim()
    good, *damaged = (created(scim) for _ in range(1 + len(BAD)))
    with owners_engine(server).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql('ALTER TABLE "user" NO FORCE ROW LEVEL SECURITY')
        change = text('UPDATE "user" SET emails = :bad, phone_numbers = :bad WHERE id = :id')
        for bad, person in zip(BAD, damaged, strict=True):
            assert connection.execute(change, {"bad": json.dumps(bad), "id": person["id"]}).rowcount == 1
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql('ALTER TABLE "user" FORCE ROW LEVEL SECURITY')
    listed = scim.get("/Users").json()
    assert {each["id"] for each in listed["Resources"]} >= {each["id"] for each in (good, *damaged)}
    for wanted in ('emails.type eq "work"', 'emails[type eq "work" and primary eq true]', 'emails.value co "@"'):
        assert good["id"] in [each["id"] for each in found(scim, wanted)]
    for by in ("emails", "phoneNumbers.value"):
        assert scim.get("/Users", params={"sortBy": by}).json()["totalResults"] == listed["totalResults"]
    owner = signed_in(tenant, tenant.owner_email)
    people = owner.ask("{ viewer { workspace { users(first: 100) { nodes { id email emails { address } } } } } }")
    assert len(people["viewer"]["workspace"]["users"]["nodes"]) == listed["totalResults"]
    for person in damaged:
        assert scim.get(f"/Users/{person['id']}").status_code == 200
        repaired = scim.put(f"/Users/{person['id']}", json=person)
        assert repaired.status_code == 200, repaired.text
        assert repaired.json()["emails"] == person["emails"]
