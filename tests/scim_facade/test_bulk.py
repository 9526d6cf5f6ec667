"""Many operations in one request (RFC 7644, 3.7)."""

import json
import secrets
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.graphql_facade.browser import signed_in
from tests.scim_facade.people import CORE, ENTERPRISE, ERROR, PATCH, assert_error, created, found, somebody
from tests.stage import Server, Tenant

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"


@pytest.fixture
def scim(acme: Tenant) -> httpx2.Client:
    return acme.scim()


def post(bulk_id: str, **more: Any) -> dict[str, Any]:
    """The operation that creates somebody."""
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": somebody(**more)}


def patching(path: str, *operations: dict[str, Any]) -> dict[str, Any]:
    return {"method": "PATCH", "path": path, "data": {"schemas": [PATCH], "Operations": list(operations)}}


def managed_by(reference: str) -> dict[str, Any]:
    return {ENTERPRISE: {"manager": {"value": reference}}}


def bulk(scim: httpx2.Client, *operations: Any, **more: Any) -> list[dict[str, Any]]:
    """What became of the operations."""
    answer = scim.post("/Bulk", json={"schemas": [BULK], "Operations": operations, **more})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/scim+json"
    body = answer.json()
    assert body["schemas"] == [RESPONSE]
    results: list[dict[str, Any]] = body["Operations"]
    return results


def statuses(results: list[dict[str, Any]]) -> list[str]:
    return [each["status"] for each in results]


def assert_failed(result: dict[str, Any], status: int, scim_type: str | None = None, *words: str) -> None:
    """A result that carries a SCIM Error whose detail has these words."""
    assert result["status"] == str(status), result
    assert "version" not in result
    error = result["response"]
    assert (error["schemas"], error["status"], error.get("scimType")) == ([ERROR], str(status), scim_type)
    for word in words:
        assert word in error["detail"]


def read(scim: httpx2.Client, result: dict[str, Any]) -> dict[str, Any]:
    """The resource at a result's location."""
    document: dict[str, Any] = scim.get(result["location"].partition("/v2")[2]).json()
    return document


def test_every_method_does_what_it_does_by_itself(scim: httpx2.Client) -> None:
    replaced, patched, deleted = (created(scim) for _ in range(3))
    results = bulk(
        scim,
        post("new", title="Baker"),
        {"method": "PUT", "path": f"/Users/{replaced['id']}", "bulkId": "put", "data": {**replaced, "title": "Cook"}},
        patching(f"/Users/{patched['id']}", {"op": "replace", "path": "title", "value": "Chef"}),
        {"method": "DELETE", "path": f"/Users/{deleted['id']}"},
    )
    assert statuses(results) == ["201", "200", "200", "204"]
    assert [each["method"] for each in results] == ["POST", "PUT", "PATCH", "DELETE"]
    assert [each.get("bulkId") for each in results] == ["new", "put", None, None]
    assert [read(scim, each).get("title") for each in results[:3]] == ["Baker", "Cook", "Chef"]
    assert [read(scim, each)["meta"]["version"] for each in results[:3]] == [each["version"] for each in results[:3]]
    assert [each["location"] for each in results[1:]] == [
        each["meta"]["location"] for each in (replaced, patched, deleted)
    ]
    assert_error(scim.get(f"/Users/{deleted['id']}"), 404)
    assert not any("response" in each for each in results)


def test_names_in_the_message_are_read_in_any_case(scim: httpx2.Client) -> None:
    operation = {name.upper(): value for name, value in post("x").items()}
    answer = scim.post("/Bulk", json={"OPERATIONS": [operation], "failonerrors": 1})
    assert statuses(answer.json()["Operations"]) == ["201"]


def test_no_operations_are_no_results(scim: httpx2.Client) -> None:
    assert bulk(scim) == []


def test_a_failure_is_its_own_affair(scim: httpx2.Client) -> None:
    taken = created(scim)
    results = bulk(scim, post("a"), post("b", userName=taken["userName"]), post("c", userName=""), post("d"))
    assert statuses(results) == ["201", "409", "400", "201"]
    assert_failed(results[1], 409, "uniqueness", "userName")
    assert_failed(results[2], 400, "invalidValue", "userName")
    assert all("location" not in each for each in results[1:3])


def test_a_failure_of_what_is_there_says_where_it_is(scim: httpx2.Client) -> None:
    bob = created(scim)
    missing = {"method": "DELETE", "path": "/Users/nobody"}
    results = bulk(scim, patching(f"/Users/{bob['id']}", {"op": "nonsense"}), missing)
    assert_failed(results[0], 400, "invalidSyntax")
    assert results[0]["location"] == bob["meta"]["location"]
    assert_failed(results[1], 404, None, "nobody")
    assert results[1]["location"].endswith("/api/scim/v2/Users/nobody")


def test_operations_come_in_the_order_given(scim: httpx2.Client) -> None:
    """Of two with one userName the first is made; a name that is given up is free for the next."""
    name, freed = somebody()["userName"], created(scim)
    results = bulk(
        scim,
        post("first", userName=name, title="first"),
        post("second", userName=name, title="second"),
        post("too early", userName=freed["userName"]),
        {"method": "DELETE", "path": f"/Users/{freed['id']}"},
        post("in time", userName=freed["userName"]),
    )
    assert statuses(results) == ["201", "409", "409", "204", "201"]
    assert [each["title"] for each in found(scim, f'userName eq "{name}"')] == ["first"]


@pytest.mark.parametrize(("accepted", "run"), [(1, 2), (2, 4), (3, 6), (4, 6), (None, 6)])
def test_it_ends_with_the_last_error_that_was_accepted(scim: httpx2.Client, accepted: int | None, run: int) -> None:
    bad: dict[str, Any] = {"userName": ""}
    people = [post("0"), post("1", **bad), post("2"), post("3", **bad), post("4"), post("5", **bad)]
    results = bulk(scim, *people, **({} if accepted is None else {"failOnErrors": accepted}))
    assert statuses(results) == ["201", "400", "201", "400", "201", "400"][:run]
    made = [bool(found(scim, f'userName eq "{each["data"]["userName"]}"')) for each in people[::2]]
    assert made == [number < run for number in (0, 2, 4)]


@pytest.mark.parametrize("value", [0, -1, "1", 1.5, True, [1], {}])
def test_fail_on_errors_is_a_number_from_one(scim: httpx2.Client, value: object) -> None:
    answer = scim.post("/Bulk", json={"Operations": [], "failOnErrors": value})
    assert_error(answer, 400, "invalidValue", "failOnErrors")


# References


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_reference_is_resolved_wherever_what_it_means_stands(scim: httpx2.Client, order: tuple[int, ...]) -> None:
    people = [post("boss"), post("lead", **managed_by("bulkId:boss")), post("bob", **managed_by("bulkId:lead"))]
    results = bulk(scim, *(people[number] for number in order))
    assert statuses(results) == ["201"] * 3
    boss, lead, bob = (read(scim, results[order.index(number)]) for number in range(3))
    assert lead[ENTERPRISE]["manager"]["value"] == boss["id"]
    assert bob[ENTERPRISE]["manager"]["value"] == lead["id"]
    assert ENTERPRISE not in boss


def test_a_reference_is_resolved_in_paths_values_and_filters(scim: httpx2.Client) -> None:
    bob = created(scim, roles=[{"value": "a"}])
    removing = {"op": "remove", "path": 'roles[value eq "bulkId:x" or value eq "a"]'}
    adding = {"op": "add", "path": "roles", "value": [{"value": "bulkId:x", "display": "x"}]}
    reference = {"op": "replace", "value": {f"{ENTERPRISE}:manager": {"$ref": "../Users/bulkId:x"}}}
    results = bulk(
        scim,
        patching("/Users/bulkId:x", {"op": "replace", "path": "title", "value": "Boss"}),
        patching(f"/Users/{bob['id']}", adding),
        patching(f"/Users/{bob['id']}", reference),
        post("x"),
    )
    assert statuses(results) == ["200", "200", "200", "201"]
    boss = read(scim, results[3])
    assert boss["title"] == "Boss"
    assert results[0]["location"] == boss["meta"]["location"]
    after = read(scim, results[1])
    assert after["roles"] == [{"value": "a"}, {"value": boss["id"], "display": "x"}]
    assert after[ENTERPRISE]["manager"]["$ref"] == f"../Users/{boss['id']}"
    again = bulk(scim, post("x"), patching(f"/Users/{bob['id']}", adding), patching(f"/Users/{bob['id']}", removing))
    assert statuses(again) == ["201", "200", "200"]
    assert read(scim, again[1])["roles"] == [{"value": boss["id"], "display": "x"}]


def test_what_is_made_can_be_changed_and_deleted_in_one_request(scim: httpx2.Client) -> None:
    results = bulk(
        scim,
        {"method": "DELETE", "path": "/Users/bulkId:x"},
        post("x"),
        patching("/Users/bulkId:x", {"op": "replace", "path": "title", "value": "Boss"}),
    )
    assert statuses(results) == ["204", "201", "404"]
    assert results[0]["location"] == results[1]["location"]


def test_a_text_that_only_looks_like_a_reference_stays(scim: httpx2.Client) -> None:
    (result,) = bulk(scim, post("x", title="see bulkId:x", nickName="bulkId:", displayName="bulkid:x"))
    after = read(scim, result)
    assert (after["title"], after["nickName"], after["displayName"]) == ("see bulkId:x", "bulkId:", "bulkid:x")


@pytest.mark.parametrize("bulk_id", ["ä b", "a]b", "a'b", "x" * 300, "bulkId:x", "1+1"])
def test_a_bulk_id_may_be_any_text_without_quotes_and_slashes(scim: httpx2.Client, bulk_id: str) -> None:
    patch = patching(f"/Users/bulkId:{bulk_id}", {"op": "replace", "path": "title", "value": "Boss"})
    results = bulk(scim, patch, post("other", **managed_by(f"bulkId:{bulk_id}")), post(bulk_id))
    assert statuses(results) == ["200", "201", "201"]
    assert read(scim, results[1])[ENTERPRISE]["manager"]["value"] == read(scim, results[2])["id"]


def test_a_reference_to_what_is_not_made_says_so(scim: httpx2.Client) -> None:
    bob = created(scim)
    results = bulk(
        scim,
        post("a", **managed_by("bulkId:nobody")),
        {"method": "PUT", "path": f"/Users/{bob['id']}", "bulkId": "put", "data": bob},
        post("b", **managed_by("bulkId:put")),
        patching("/Users/bulkId:nobody"),
    )
    assert statuses(results) == ["400", "200", "400", "400"]
    assert_failed(results[0], 400, "invalidValue", "'nobody'")
    assert_failed(results[2], 400, "invalidValue", "'put'")


def test_what_refers_to_a_failed_operation_fails_and_counts(scim: httpx2.Client) -> None:
    operations = [post("bad", userName=""), post("b", **managed_by("bulkId:bad")), post("c", **managed_by("bulkId:b"))]
    results = bulk(scim, *operations, post("d"))
    assert statuses(results) == ["400", "409", "409", "201"]
    assert_failed(results[1], 409, None, "'bad' failed", "send both again")
    assert_failed(results[2], 409, None, "'b' failed")
    assert statuses(bulk(scim, *operations, post("d"), failOnErrors=2)) == ["400", "409"]


def test_a_circle_is_refused_and_the_way_round_it_works(scim: httpx2.Client) -> None:
    a, b = post("a", **managed_by("bulkId:b")), post("b", **managed_by("bulkId:a"))
    results = bulk(scim, a, b, post("c", **managed_by("bulkId:a")), post("own", **managed_by("bulkId:own")), post("d"))
    assert statuses(results) == ["409", "409", "409", "409", "201"]
    for result in results[:4]:
        assert_failed(result, 409, None, "circle", "PATCH")
    closing = {"op": "add", "path": f"{ENTERPRISE}:manager.value", "value": "bulkId:b"}
    results = bulk(scim, post("a"), b, patching("/Users/bulkId:a", closing))
    assert statuses(results) == ["201", "201", "200"]
    first, second = read(scim, results[0]), read(scim, results[1])
    assert first[ENTERPRISE]["manager"]["value"] == second["id"]
    assert second[ENTERPRISE]["manager"]["value"] == first["id"]


def test_a_chain_of_a_thousand_in_the_wrong_order(server: Server) -> None:
    scim = server.found_another().scim()
    chain = [post(str(number), **managed_by(f"bulkId:{number + 1}")) for number in range(999)]
    results = bulk(scim, *chain, post("999"))
    assert set(statuses(results)) == {"201"}
    assert [each["bulkId"] for each in results] == [str(number) for number in range(1_000)]
    assert read(scim, results[0])[ENTERPRISE]["manager"]["value"] == read(scim, results[1])["id"]


# What is refused


@pytest.mark.parametrize(
    ("operation", "word"),
    [
        ({"method": "POST", "path": "/Users", "data": {}}, "bulkId"),
        ({"method": "POST", "path": "/Users", "bulkId": ""}, "bulkId"),
        ({"method": "POST", "path": "/Users", "bulkId": 7}, "bulkId"),
        ({"method": "POST", "path": "/Users", "bulkId": "a/b"}, "bulkId"),
        ({"method": "POST", "path": "/Users", "bulkId": "a"}, "data"),
        ({"method": "GET", "path": "/Users/usr_1"}, "GET"),
        ({"method": "post", "path": "/Users", "bulkId": "a", "data": {}}, "post"),
        ({"method": ["POST"], "path": "/Users"}, "method"),
        ({"path": "/Users"}, "method"),
        ({"method": "POST", "bulkId": "a"}, "path"),
        ({"method": "POST", "path": "/Bulk", "bulkId": "a", "data": {"Operations": []}}, "/Bulk"),
        ({"method": "POST", "path": "/Users/.search", "bulkId": "a", "data": {}}, "/Users/.search"),
        ({"method": "POST", "path": "/Users?attributes=id", "bulkId": "a", "data": {}}, "attributes"),
        ({"method": "POST", "path": "https://elsewhere.example/Users", "bulkId": "a", "data": {}}, "elsewhere"),
        ({"method": "POST", "path": "/../../graphql", "bulkId": "a", "data": {}}, "graphql"),
        ({"method": "PUT", "path": "/Users", "data": {}}, "/Users/<id>"),
        ({"method": "PUT", "path": "/Me", "data": {}}, "/Me"),
        ({"method": "PATCH", "path": "/Users/usr_1"}, "data"),
        ({"method": "DELETE", "path": "/Users/usr_1", "version": 1}, "version"),
        ({"method": "DELETE", "path": "/Users/usr_1", "version": "1"}, "If-Match"),
        ({"method": "DELETE", "path": "/Users/usr_1", "version": ""}, "If-Match"),
        ({}, "method"),
    ],
    ids=lambda value: json.dumps(value)[:50],
)
def test_an_operation_that_cannot_be_is_refused_and_the_next_is_run(
    scim: httpx2.Client, operation: dict[str, Any], word: str
) -> None:
    refused, made = bulk(scim, operation, post("next"))
    assert_failed(refused, 400, refused["response"].get("scimType"), word)
    assert refused.get("bulkId") in (None, operation.get("bulkId"))
    assert made["status"] == "201"


def test_other_failures_come_as_they_do_by_themselves(scim: httpx2.Client) -> None:
    results = bulk(
        scim,
        {"method": "PUT", "path": "/Users/a%2Fb", "data": {}},
        {"method": "PATCH", "path": "/Users/usr_1", "data": []},
        {"method": "POST", "path": "/Users", "bulkId": "x", "data": "text"},
        {"method": "DELETE", "path": "/Users/%00"},
    )
    assert statuses(results) == ["404", "400", "400", "404"]


def test_a_bulk_id_is_used_once(scim: httpx2.Client) -> None:
    results = bulk(scim, post("a"), post("a"), post("b", **managed_by("bulkId:a")))
    assert statuses(results) == ["201", "400", "201"]
    assert_failed(results[1], 400, "invalidSyntax", "'a'")
    assert read(scim, results[2])[ENTERPRISE]["manager"]["value"] == read(scim, results[0])["id"]


def test_data_that_nests_without_end_is_refused(scim: httpx2.Client) -> None:
    deep: dict[str, Any] = {}
    for _ in range(400):
        deep = {"a": deep}
    results = bulk(scim, {"method": "POST", "path": "/Users", "bulkId": "deep", "data": deep}, post("b"))
    assert statuses(results) == ["400", "201"]


@pytest.mark.parametrize(
    "body", [{}, {"Operations": None}, {"Operations": {}}, {"Operations": [1]}, {"Operations": "x"}]
)
def test_a_message_without_operations_is_refused(scim: httpx2.Client, body: dict[str, Any]) -> None:
    assert_error(scim.post("/Bulk", json=body), 400, "invalidSyntax", "Operations")


def test_more_operations_than_are_announced_are_refused_as_a_whole(scim: httpx2.Client) -> None:
    most = scim.get("/ServiceProviderConfig").json()["bulk"]["maxOperations"]
    delete = {"method": "DELETE", "path": "/Users/nobody"}
    assert len(bulk(scim, *[delete] * most)) == most
    first = post("first")
    answer = scim.post("/Bulk", json={"Operations": [first, *[delete] * most]})
    assert_error(answer, 413, None, f"{most:,}")
    assert found(scim, f'userName eq "{first["data"]["userName"]}"') == []


def test_a_message_larger_than_is_announced_is_refused_as_a_whole(scim: httpx2.Client) -> None:
    most = scim.get("/ServiceProviderConfig").json()["bulk"]["maxPayloadSize"]
    body = json.dumps({"Operations": [post("a")], "padding": ""}).encode()
    padded = body[:-2] + b"x" * (most - len(body)) + body[-2:]
    headers = {"Content-Type": "application/scim+json"}
    assert statuses(scim.post("/Bulk", content=padded, headers=headers).json()["Operations"]) == ["201"]
    assert_error(scim.post("/Bulk", content=padded + b" ", headers=headers), 413, None, f"{most:,}")


def test_one_operation_may_not_be_larger_than_it_may_be_by_itself(scim: httpx2.Client) -> None:
    results = bulk(scim, post("a", title="x" * (1 << 20)), post("b"))
    assert_failed(results[0], 413, None, "1,048,576")
    assert results[1]["status"] == "201"


def test_a_version_is_kept_to(scim: httpx2.Client) -> None:
    bob = created(scim)
    change = patching(f"/Users/{bob['id']}", {"op": "replace", "path": "title", "value": "Baker"})
    remove = {"method": "DELETE", "path": f"/Users/{bob['id']}"}
    version = bob["meta"]["version"]
    results = bulk(scim, change | {"version": version}, change | {"version": version}, remove | {"version": version})
    assert statuses(results) == ["200", "412", "412"]
    assert_failed(results[1], 412, None, bob["id"])
    assert statuses(bulk(scim, remove | {"version": results[0]["version"]})) == ["204"]


# What each operation leaves behind


def test_each_operation_has_its_own_entry_in_the_audit_log(acme: Tenant) -> None:
    alice, bob = signed_in(acme, acme.owner_email), created(acme.scim())
    title = {"op": "replace", "path": "title", "value": "Baker"}
    results = bulk(
        acme.scim(),
        post("a"),
        post("b", userName=""),
        patching("/Users/bulkId:a", title),
        patching("/Users/bulkId:a", title),
        {"method": "DELETE", "path": f"/Users/{bob['id']}"},
    )
    assert statuses(results) == ["201", "400", "200", "200", "204"]
    made = results[0]["location"].rpartition("/")[2]
    events = alice.events()
    assert [(each["action"], each["target"]["id"]) for each in events[:3]] == [
        ("USER_DELETED", bob["id"]),
        ("USER_UPDATED", made),
        ("USER_CREATED", made),
    ]
    assert {(each["channel"], each["actor"]["kind"]) for each in events[:3]} == {("SCIM", "API_KEY")}
    assert len({each["requestId"] for each in events[:3]}) == 1


def test_a_key_that_may_not_use_scim_or_is_none_is_refused_before_anything(acme: Tenant) -> None:
    first = post("a")
    assert_error(acme.scim("non-token").post("/Bulk", json={"Operations": [first]}), 401)
    assert found(acme.scim(), f'userName eq "{first["data"]["userName"]}"') == []


def test_a_key_that_is_revoked_meanwhile_does_nothing_more(server: Server) -> None:
    """What was answered with 201 is there, and after the first 401 nothing more is done."""
    tenant = server.found_another()
    scim = tenant.scim(tenant.new_key())
    key_id = tenant.server.cli("api-key", "list", tenant.subdomain).stdout.splitlines()[-1].split()[0]
    answered: list[str] = []
    with ThreadPoolExecutor(1) as threads:
        revoking = threads.submit(tenant.server.cli, "api-key", "revoke", tenant.subdomain, key_id)
        while "401" not in answered:
            answer = scim.post("/Bulk", json={"Operations": [post(str(number)) for number in range(200)]})
            answered += statuses(answer.json()["Operations"]) if answer.status_code == 200 else ["401"]
        assert revoking.result().returncode == 0
    assert set(answered) == {"201", "401"}
    assert answered == sorted(answered)
    assert tenant.scim().get("/Users", params={"count": 0}).json()["totalResults"] == answered.count("201") + 1


def test_a_connection_that_breaks_leaves_whole_operations(server: Server) -> None:
    tenant = server.found_another()
    scim = tenant.scim()
    operations = [post(str(number)) for number in range(300)]
    _sent(tenant, tenant.key, operations).close()
    names = [each["data"]["userName"] for each in operations]
    deadline = time.monotonic() + 20
    while (total := len(_everybody(scim))) < len(names) + 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    people = [each for each in _everybody(scim) if each["userName"] in names]
    assert len(people) == total - 1
    assert [each["userName"] for each in people] == names[: len(people)]
    for each in people:
        assert each["emails"][0]["value"] == each["userName"]
        assert found(scim, f'emails.value eq "{each["userName"]}"') == [each]
    assert statuses(bulk(scim, *operations)) == ["409"] * len(people) + ["201"] * (len(names) - len(people))


def test_others_are_served_while_a_large_request_is_under_way(server: Server) -> None:
    tenant = server.found_another()
    scim = tenant.scim()
    operations = [post(str(number)) for number in range(1_000)]
    with _sent(tenant, tenant.key, operations) as connection:
        seen: set[int] = set()
        while len(seen) < 3:
            seen.add(scim.get("/Users", params={"count": 0}).json()["totalResults"])
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b'"status":"201"') == 1_000


def test_no_id_has_the_word_that_okta_forbids(scim: httpx2.Client) -> None:
    results = bulk(scim, *(post(str(number)) for number in range(20)))
    assert not any("bulkid" in each["location"].rpartition("/")[2].lower() for each in results)


def _everybody(scim: httpx2.Client) -> list[dict[str, Any]]:
    people: list[dict[str, Any]] = scim.get("/Users", params={"count": 1_000}).json()["Resources"]
    return people


def _sent(tenant: Tenant, key: str, operations: list[dict[str, Any]]) -> socket.socket:
    """A connection on which the whole request has been sent and nothing been read."""
    body = json.dumps({"schemas": [BULK, CORE], "Operations": operations, "x": secrets.token_hex(4)}).encode()
    head = (
        f"POST /api/scim/v2/Bulk HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/scim+json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", tenant.server.port), timeout=30)
    connection.sendall(head.encode() + body)
    return connection
