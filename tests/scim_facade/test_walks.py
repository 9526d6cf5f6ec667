"""Twenty thousand people: walks by index and by cursor while others come and go, and the indexes that searches use."""

import re
from typing import Any

import httpx2
import pytest
from sqlalchemy import Engine

from scim_facade.attributes import AttributeTable
from scim_facade.group_attributes import GROUP
from scim_facade.queries import search_of
from scim_facade.user_attributes import USER
from tests.postgres import PostgresServer
from tests.scim_facade.crowds import crowd_in, owners_engine
from tests.scim_facade.people import PATCH, assert_error, created, patch
from tests.stage import Server, Tenant

MANY = 20_000
PAGE = 1_000


@pytest.fixture(scope="module")
def crowded(server: Server) -> tuple[Tenant, list[str]]:
    """A workspace with many people, and their ids in the order of their creation."""
    tenant = server.found_another()
    return tenant, crowd_in(server, tenant.subdomain, MANY)


def page_of(scim: httpx2.Client, **parameters: Any) -> dict[str, Any]:
    """A page of ids."""
    answer = scim.get("/Users", params={"count": PAGE, "attributes": "id", **parameters})
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


def test_a_walk_by_cursor_meets_everybody_once_while_others_come_and_go(crowded: tuple[Tenant, list[str]]) -> None:
    tenant, ids = crowded
    gone: set[str] = set()
    met: list[str] = []
    with tenant.scim() as scim:
        page = page_of(scim, cursor="")
        while True:
            met += [each["id"] for each in page["Resources"]]
            assert page["itemsPerPage"] == len(page["Resources"])
            if "nextCursor" not in page:
                break
            for each in (ids[len(met) // 3], ids[min(len(met) + 500, MANY - 1)]):  # one behind, one ahead
                if each not in gone:
                    assert scim.delete(f"/Users/{each}").status_code == 204
                    gone.add(each)
            created(scim)
            patch(scim, ids[-1], {"op": "replace", "path": "title", "value": str(len(met))})
            page = page_of(scim, cursor=page["nextCursor"])
        once, there = set(met), set(ids)
        assert len(met) == len(once)
        assert [each for each in met if each in there] == [each for each in ids if each in once]
        assert there - once <= gone
        assert page["totalResults"] == page_of(scim, count=0)["totalResults"]


def test_a_walk_by_index_meets_everybody_once_while_others_come_and_change(
    crowded: tuple[Tenant, list[str]],
) -> None:
    tenant, _ = crowded
    met: list[str] = []
    with tenant.scim() as scim:
        total = page_of(scim, count=0)["totalResults"]
        assert total > MANY - PAGE
        while len(met) < total:
            page = page_of(scim, startIndex=len(met) + 1)
            assert (page["startIndex"], page["itemsPerPage"]) == (len(met) + 1, len(page["Resources"]))
            assert page["totalResults"] == total
            met += [each["id"] for each in page["Resources"]]
            patch(scim, met[-1], {"op": "replace", "path": "userName", "value": f"moved {len(met)}"})
            if len(met) < MANY // 2:
                created(scim)
                total += 1
        assert len(set(met)) == len(met) == total
        assert met == sorted(met)


def test_a_group_of_thousands_is_made_read_listed_and_emptied_whole(crowded: tuple[Tenant, list[str]]) -> None:
    """A body and an answer that are read and made in threads, and rows that come in portions."""
    with crowded[0].scim() as scim:
        ids = [each["id"] for start in (1, 1_001, 2_001) for each in page_of(scim, startIndex=start)["Resources"]]
        members = [{"value": each} for each in (*ids, *ids)]  # the same twice is once
        made = scim.post("/Groups", json={"displayName": "Thousands", "members": members}).json()
        listed = scim.get("/Groups", params={"filter": 'displayName eq "Thousands"'}).json()["Resources"]
        for group in (made, scim.get(f"/Groups/{made['id']}").json(), *listed):
            assert [each["value"] for each in group["members"]] == sorted(ids)
        assert len(listed) == 1
        leave = {"op": "remove", "path": "members", "value": [{"value": each} for each in ids[1:]]}
        assert scim.patch(f"/Groups/{made['id']}", json={"schemas": [PATCH], "Operations": [leave]}).status_code == 204
        left = scim.get(f"/Groups/{made['id']}").json()["members"]
        assert [each["value"] for each in left] == ids[:1]
        assert scim.delete(f"/Groups/{made['id']}").status_code == 204


@pytest.mark.parametrize(
    ("parameters", "scim_type"),
    [
        ({"cursor": "x"}, "invalidCursor"),
        ({"cursor": "AAAAAAAAAAAAAAAAWyJ4Il0"}, "invalidCursor"),
        ({"cursor": "é"}, "invalidCursor"),
        ({"cursor": "", "count": 0}, "invalidCount"),
        ({"cursor": "", "count": 1_001}, "invalidCount"),
        ({"cursor": "", "count": -1}, "invalidCount"),
        ({"cursor": "", "startIndex": 1}, "invalidValue"),
        ({"sortBy": "password"}, "invalidValue"),
        ({"sortBy": "name"}, "invalidValue"),
        ({"sortBy": "userName", "sortOrder": "upwards"}, "invalidValue"),
    ],
)
def test_what_no_list_can_be_asked_for_is_refused_by_name(
    acme: Tenant, parameters: dict[str, Any], scim_type: str
) -> None:
    assert_error(acme.scim().get("/Users", params=parameters), 400, scim_type)


def test_a_cursor_is_good_for_its_key_its_workspace_and_its_question(
    crowded: tuple[Tenant, list[str]], globex: Tenant
) -> None:
    tenant, _ = crowded
    with (
        tenant.scim() as scim,
        tenant.scim(tenant.new_key()) as other_key,
        globex.scim() as other,
    ):
        cursor = page_of(scim, cursor="", count=10, filter="active eq true")["nextCursor"]
        good = {"cursor": cursor, "count": 5, "filter": "active eq true"}
        assert len(page_of(scim, **good)["Resources"]) == 5
        refusals = [
            scim.get("/Users", params=good | {"filter": "active eq false"}),
            scim.get("/Users", params=good | {"filter": ""}),
            scim.get("/Users", params=good | {"sortBy": "userName"}),
            scim.get("/Users", params=good | {"cursor": cursor[:-1] + ("A" if cursor[-1] != "A" else "B")}),
            scim.get("/Users", params=good | {"cursor": "forged"}),
            other_key.get("/Users", params=good),
            other.get("/Users", params=good),
        ]
        for answer in refusals:
            assert_error(answer, 400, "invalidCursor")
        assert len({answer.json()["detail"].partition(" (request")[0] for answer in refusals}) == 1


SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


def test_search_requests_are_served_like_the_lists(acme: Tenant) -> None:
    with acme.scim() as scim:
        bob = created(scim)
        asked = {"schemas": [SEARCH], "filter": f'userName eq "{bob["userName"]}"', "attributes": ["userName"]}
        for path in ("/Users/.search", "/.search"):
            answer = scim.post(path, json=asked | {"startIndex": 1, "count": 10})
            assert answer.status_code == 200, answer.text
            found = answer.json()
            assert found["Resources"] == [{name: bob[name] for name in ("schemas", "id", "userName")}]
            assert (found["totalResults"], found["startIndex"], found["itemsPerPage"]) == (1, 1, 1)
        page = scim.post("/Users/.search", json={"cursor": "", "count": 1, "sortBy": "userName"}).json()
        assert page["itemsPerPage"] == 1
        assert page["nextCursor"]


@pytest.mark.parametrize(
    ("path", "body", "scim_type", "word"),
    [
        ("/Users/.search", {"schemas": ["urn:nonsense"]}, "invalidSyntax", "schemas"),
        ("/Users/.search", {"filtre": "x"}, "invalidSyntax", "filtre"),
        ("/Users/.search", {"filter": 5}, "invalidValue", "filter"),
        ("/Users/.search", {"count": "10"}, "invalidValue", "count"),
        ("/Users/.search", {"attributes": [5]}, "invalidValue", "attributes"),
        ("/Users/.search", {"filter": 'nonsense eq "x"'}, "invalidFilter", "nonsense"),
        ("/.search", {"filter": 'nonsense eq "x"'}, "invalidFilter", "nonsense"),
        ("/.search", {"cursor": ""}, "invalidValue", "cursor"),
        ("/.search", {"sortBy": "userName"}, "invalidValue", "sortBy"),
    ],
)
def test_what_is_no_search_request_is_refused_by_name(
    acme: Tenant, path: str, body: dict[str, Any], scim_type: str, word: str
) -> None:
    assert_error(acme.scim().post(path, json=body), 400, scim_type, word)


@pytest.fixture(scope="module")
def owner_engine(crowded: tuple[Tenant, list[str]], server: Server, engine: str, postgres: PostgresServer) -> Engine:
    """A connection that may look into how the database works, which knows how much there is: many groups, too."""
    opened = owners_engine(server)
    learn_sizes(opened)
    with crowded[0].scim() as scim:
        members = [{"value": created(scim)["id"]}]
        groups = [{"displayName": f"Group {number}", "members": members} for number in range(1_000)]
        made = [{"method": "POST", "path": "/Groups", "bulkId": each["displayName"], "data": each} for each in groups]
        results = scim.post("/Bulk", json={"Operations": made}).json()["Operations"]
        assert {each["status"] for each in results} == {"201"}
    learn_sizes(opened)
    return opened


def learn_sizes(engine: Engine) -> None:
    """Have PostgreSQL count what its tables hold, as it does by itself within a minute."""
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE")


SINCE = 'meta.lastModified gt "2100-01-01T00:00:00Z"'
ADDRESSES = {"sqlite": "sqlite_autoindex_user_email", "postgresql": "user_email_pkey"}


@pytest.mark.parametrize(
    ("table", "text", "index"),
    [
        (USER, 'id eq "usr_x"', {"sqlite": "sqlite_autoindex_user", "postgresql": "user_pkey"}),
        (USER, 'userName eq "Bob"', {"sqlite": "sqlite_autoindex_user", "postgresql": "user_user_name"}),
        (USER, 'externalId eq "00u"', {"sqlite": "user_external_id", "postgresql": "user_external_id"}),
        (USER, 'emails.value eq "b@a.example"', ADDRESSES),
        (USER, 'emails[type eq "work" and value eq "b@a.example"]', ADDRESSES),
        (USER, SINCE, {"sqlite": "user_updated_at", "postgresql": "user_updated_at"}),
        (GROUP, 'displayName eq "Engineers"', {"sqlite": "sqlite_autoindex_group", "postgresql": "group_display_name"}),
        (GROUP, 'externalId eq "00g"', {"sqlite": "group_external_id", "postgresql": "group_external_id"}),
        (GROUP, 'members.value eq "usr_x"', {"sqlite": "group_member_user", "postgresql": "group_member_user"}),
        (GROUP, SINCE, {"sqlite": "group_updated_at", "postgresql": "group_updated_at"}),
    ],
)
def test_people_and_groups_are_looked_up_by_an_index(
    owner_engine: Engine, engine: str, table: AttributeTable[Any], text: str, index: dict[str, str]
) -> None:
    plan = plan_of(owner_engine, engine, table, text)
    assert index[engine] in plan, plan
    assert "Seq Scan on" not in plan, plan
    assert not re.search("SCAN (user|group)", plan), plan


def test_a_part_of_an_address_is_looked_for_among_the_addresses(owner_engine: Engine, engine: str) -> None:
    plan = plan_of(owner_engine, engine, USER, 'emails.value co "a.example"')
    looked_in = {"sqlite": "SEARCH user_email USING COVERING INDEX", "postgresql": "strpos((value_key)::text"}
    assert looked_in[engine] in plan, plan
    assert "json" not in plan, plan


def plan_of(owner_engine: Engine, engine: str, table: AttributeTable[Any], text: str) -> str:
    """How the database would find what a filter asks for, in the workspace that has most people."""
    search = search_of(table, text)
    with owner_engine.connect() as connection:
        owner = connection.exec_driver_sql(
            'SELECT workspace_id, count(*) FROM "user" GROUP BY 1 ORDER BY 2 DESC'
        ).first()
    assert owner is not None
    statement = search.query.statement.order_by(*search.order.columns)
    statement = statement.params(of_workspace=owner.workspace_id, **search.parameters)
    compiled = statement.compile(dialect=owner_engine.dialect)
    names = compiled.positiontup
    values: Any = tuple(compiled.params[name] for name in names) if names else compiled.params
    word = "EXPLAIN QUERY PLAN" if engine == "sqlite" else "EXPLAIN"
    with owner_engine.connect() as connection:
        return "\n".join(str(row) for row in connection.exec_driver_sql(f"{word} {compiled}", values))


@pytest.mark.parametrize(
    "asked", [{}, {"sortBy": "title"}, {"sortBy": "title", "sortOrder": "descending"}, {"filter": "active pr"}]
)
def test_every_window_is_that_part_of_the_whole_list_from_whichever_end_it_is_read(
    server: Server, asked: dict[str, str]
) -> None:
    tenant = server.found_another()
    with tenant.scim() as scim:
        for number in range(9):
            created(scim, title=f"T{number % 3}" if number % 4 else None)
        whole = [each["id"] for each in page_of(scim, count=100, **asked)["Resources"]]
        assert len(set(whole)) == 10
        for start in range(1, 13):
            for count in (0, 1, 2, 3, 7, 10, 50):
                page = page_of(scim, startIndex=start, count=count, **asked)
                assert [each["id"] for each in page["Resources"]] == whole[start - 1 : start - 1 + count], (
                    start,
                    count,
                )
                assert page["totalResults"] == 10
