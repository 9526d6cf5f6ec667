"""Requests that take long: none of them may keep others waiting meanwhile."""

from collections.abc import Iterator
from itertools import count, repeat
from typing import Any
from urllib.parse import quote

import httpx2
import orjson

from benchmarks.load import Check, Exchange
from benchmarks.people import Person, Tenant, person
from benchmarks.scim_workloads import GROUPS, PATH, scim_headers
from benchmarks.serving import BASE_DOMAIN
from benchmarks.workloads import Workload, request

_ROOT = PATH.rpartition("/")[0]
_AT_ONCE = 10_000  # people to a request: some 700 kB, where a body may have a megabyte
_OPERATIONS = 1_000
_FIRST_NEW = 7_000_000  # numbers of people whom nobody else makes


def long_workloads(port: int, read: Tenant, written: Tenant) -> Iterator[Workload]:
    """One client of each kind; whatever is made for it is made when its turn has come."""
    headers, writing = (scim_headers(f"{each.subdomain}.api.{BASE_DOMAIN}", each.key) for each in (read, written))
    writing = writing | {"Content-Type": "application/scim+json; charset=utf-8"}
    everybody = list(written.people)
    total = len(read.people) + 1  # the owner is there as well
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
        nobody = f'{PATH}?filter={quote("""displayName co "xyzzy" """.strip())}'
        yield _reading("SCIM filter that finds nobody", nobody, headers, "totalResults", 0)
        page = f"{PATH}?count=1000"
        yield _reading("SCIM page of 1,000", page, headers, "totalResults", total)
        some = everybody[:_AT_ONCE]
        yield Workload(f"SCIM group of {len(some):,} made and deleted", [_made_and_deleted(writing, some)])
        group = _group(http, writing, everybody)
        name = f"SCIM group of {len(everybody):,}"
        yield _reading(name, f"{GROUPS}/{group}", writing, "members", everybody)
        without = f"{GROUPS}/{group}?excludedAttributes=members"
        yield _reading(f"{name}, without members", without, writing, "id", group)
        yield Workload(f"SCIM Bulk of {_OPERATIONS:,} creations", [_bulks(writing)])


def _reading(name: str, path: str, headers: dict[str, str], what: str, expected: Any) -> Workload:
    """The same request again and again; `what` of its answer is as expected: a value, or the ids of a list."""

    def check(status: int, body: bytes) -> str | None:
        got = orjson.loads(body).get(what)
        if isinstance(got, list):
            got = [each["value"] for each in got]
        return None if status == 200 and got == expected else f"expected 200 and {what} as it was made"

    return Workload(name, [repeat((request("GET", path, headers), check))])


def _group(http: httpx2.Client, headers: dict[str, str], people: list[str]) -> str:
    """A group of all these people, who join in portions."""
    answer = http.post(GROUPS, content=orjson.dumps({"displayName": "Everybody"}), headers=headers)
    assert answer.status_code == 201, answer.text
    path = f"{GROUPS}/{answer.json()['id']}"
    for first in range(0, len(people), _AT_ONCE):
        members = [{"value": each} for each in people[first : first + _AT_ONCE]]
        body = {"Operations": [{"op": "add", "path": "members", "value": members}]}
        answer = http.patch(path, content=orjson.dumps(body), headers=headers)
        assert answer.status_code == 204, answer.text
    return path.rpartition("/")[2]


def _made_and_deleted(headers: dict[str, str], people: list[str]) -> Iterator[Exchange]:
    made: list[str] = []
    body = orjson.dumps({"displayName": "Some", "members": [{"value": each} for each in people]})

    def remembered(status: int, answer: bytes) -> str | None:
        document = orjson.loads(answer)
        made.append(document["id"])
        right = status == 201 and len(document["members"]) == len(people)
        return None if right else "expected 201 and all members"

    while True:
        yield request("POST", GROUPS, headers, body), remembered
        yield request("DELETE", f"{GROUPS}/{made.pop()}", headers), _has_status(204)


def _bulks(headers: dict[str, str]) -> Iterator[Exchange]:
    numbers = count(_FIRST_NEW)
    path = f"{_ROOT}/Bulk"
    schemas = ["urn:ietf:params:scim:schemas:core:2.0:User"]

    def check(status: int, body: bytes) -> str | None:
        made = [each["status"] for each in orjson.loads(body)["Operations"]]
        return None if status == 200 and made == ["201"] * _OPERATIONS else "expected 200 and 201 for each"

    def operation(each: Person) -> dict[str, Any]:
        named = {"method": "POST", "path": "/Users", "bulkId": each.external_id}
        return named | {"data": {"schemas": schemas, **each.document}}

    while True:
        operations = [operation(person(next(numbers))) for _ in range(_OPERATIONS)]
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations}
        yield request("POST", path, headers, orjson.dumps(body)), check


def _has_status(wanted: int) -> Check:
    return lambda status, body: None if status == wanted else f"expected {wanted}"
