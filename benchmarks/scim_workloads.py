"""The SCIM requests of an identity provider: headers and bodies are Okta's (sources: headcount/rehearsal/okta/)."""

from collections.abc import Iterator
from itertools import count
from typing import Any
from urllib.parse import quote

import httpx2
import orjson

from benchmarks.load import Check, Exchange
from benchmarks.people import Person, Tenant, person
from benchmarks.workloads import Workload, request, same_answer, taking_turns

PATH = "/api/scim/v2/Users"
GROUPS = "/api/scim/v2/Groups"
_SAMPLE = 1_000  # people that are read; the store may hold more
_PAGE = 100
_MEMBERS = 10_000
_MOVERS = 256
_GROUP_CLIENTS = 4  # each with a group of its own, which takes a while to make
_FIRST_NEW = 5_000_000  # numbers of people who are created; those that were loaded have smaller ones


class ScimWorkloads:
    """The workloads of one server, for a number of clients."""

    def __init__(self, port: int, base_domain: str, clients: int) -> None:
        self._http = httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)
        self._base_domain = base_domain
        self._clients = clients

    def reads(self, tenant: Tenant) -> list[Workload]:
        """Reading people whom nobody changes. Every answer is asked for once and compared with what was loaded."""
        headers = self._headers(tenant)
        ids = list(tenant.people)[:: max(1, len(tenant.people) // _SAMPLE)][:_SAMPLE]
        documents = {each: self._checked(headers, each, tenant.people[each]) for each in ids}
        lookups = {
            attribute: [self._lookup(headers, attribute, orjson.loads(document)) for document in documents.values()]
            for attribute in ("userName", "emails.value")
        }
        gets = [
            same_answer(request("GET", f"{PATH}/{each}", headers), 200, document)
            for each, document in documents.items()
        ]
        starts = range(1, min(len(tenant.people), _SAMPLE) - _PAGE + 2, _PAGE)
        total = len(tenant.people) + 1  # the owner is there as well
        pages = [self._page(headers, start, total) for start in starts]
        last = [self._page(headers, total - _PAGE + 1, total)]
        behind = list(self._walk(headers, len(tenant.people) // _PAGE - 1))
        return [
            Workload("SCIM get by id", taking_turns(gets, self._clients)),
            Workload("SCIM look-up by userName", taking_turns(lookups["userName"], self._clients)),
            Workload("SCIM look-up by e-mail", taking_turns(lookups["emails.value"], self._clients)),
            Workload("SCIM page of 100", taking_turns(pages, self._clients)),
            Workload("SCIM last page of 100", taking_turns(last, self._clients)),
            Workload("SCIM cursor page of 100", taking_turns(behind, self._clients)),
        ]

    def writes(self, tenant: Tenant) -> list[Workload]:
        """Creating people, and taking and giving access in turn, so that every request changes something."""
        headers = self._headers(tenant) | {"Content-Type": "application/scim+json; charset=utf-8"}
        numbers = count(_FIRST_NEW)
        before = self._total(tenant)

        def verify() -> None:
            made, kept = next(numbers) - _FIRST_NEW, self._total(tenant) - before
            assert made == kept, f"{made} creations were acknowledged, and there are {kept} people more"

        everybody = list(tenant.people)
        alone, together = everybody[: len(everybody) // 2], everybody[len(everybody) // 2 :]  # those are in groups
        patches = [_patches(headers, alone[first :: self._clients]) for first in range(self._clients)]
        creations = [_creations(headers, numbers) for _ in range(self._clients)]
        groups = [self._moves(headers, each) for each in self._groups(headers, together)]
        return [
            Workload("SCIM create", creations, verify),
            Workload("SCIM PATCH active", patches),
            Workload(f"SCIM PATCH of {_MOVERS} members", groups),
        ]

    def _walk(self, headers: dict[str, str], pages: int) -> Iterator[Exchange]:
        """Pages behind cursors, up to ten of them, each as the one before tells."""
        cursor = ""
        for _ in range(max(1, min(pages, 10))):
            path = f"{PATH}?cursor={cursor}&count={_PAGE}"
            body = self._got(path, headers)
            answer = orjson.loads(body)
            assert answer["itemsPerPage"] == len(answer["Resources"]) > 0, answer
            yield same_answer(request("GET", path, headers), 200, body)
            cursor = answer.get("nextCursor", "")

    def _groups(self, headers: dict[str, str], people: list[str]) -> Iterator[tuple[str, list[str]]]:
        """A group of up to `_MEMBERS` for each of some clients, and those who are to join and leave it."""
        movers, members = people[:_MOVERS], people[_MOVERS : _MOVERS + _MEMBERS]
        for number in range(min(self._clients, _GROUP_CLIENTS)):
            made = {"displayName": f"Group {number}", "members": [{"value": each} for each in members]}
            answer = self._http.post(GROUPS, content=orjson.dumps(made), headers=headers)
            assert answer.status_code == 201, answer.text
            yield answer.json()["id"], movers

    def _moves(self, headers: dict[str, str], group: tuple[str, list[str]]) -> Iterator[Exchange]:
        """All join, then all leave, so that each request changes something."""
        group_id, movers = group
        members = [{"value": each} for each in movers]
        while True:
            for op in ("add", "remove"):
                body = orjson.dumps({"Operations": [{"op": op, "path": "members", "value": members}]})
                yield same_answer(request("PATCH", f"{GROUPS}/{group_id}", headers, body), 204, b"")

    def close(self) -> None:
        """Let go of the connection that asked for the answers to expect."""
        self._http.close()

    def _headers(self, tenant: Tenant) -> dict[str, str]:
        return scim_headers(f"{tenant.subdomain}.api.{self._base_domain}", tenant.key)

    def _got(self, path: str, headers: dict[str, str]) -> bytes:
        answer = self._http.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.content

    def _checked(self, headers: dict[str, str], id: str, expected: Person) -> bytes:
        body = self._got(f"{PATH}/{id}", headers)
        document = orjson.loads(body)
        assert document["id"] == id, document
        assert document | expected.document == document, document
        return body

    def _lookup(self, headers: dict[str, str], attribute: str, document: dict[str, Any]) -> Exchange:
        question = quote(f'{attribute} eq "{document["userName"]}"')
        path = f"{PATH}?filter={question}&startIndex=1&count=100"
        body = self._got(path, headers)
        answer = orjson.loads(body)
        assert answer["Resources"] == [document], answer
        assert answer["totalResults"] == 1, answer
        return same_answer(request("GET", path, headers), 200, body)

    def _page(self, headers: dict[str, str], start: int, total: int) -> Exchange:
        path = f"{PATH}?startIndex={start}&count={_PAGE}"
        body = self._got(path, headers)
        answer = orjson.loads(body)
        ids = [resource["id"] for resource in answer["Resources"]]
        assert len(set(ids)) == answer["itemsPerPage"] == _PAGE, answer
        assert ids == sorted(ids), answer
        assert (answer["startIndex"], answer["totalResults"]) == (start, total), answer
        return same_answer(request("GET", path, headers), 200, body)

    def _total(self, tenant: Tenant) -> int:
        return int(orjson.loads(self._got(f"{PATH}?count=0", self._headers(tenant)))["totalResults"])


def scim_headers(host: str, key: str) -> dict[str, str]:
    """The headers of Okta's requests."""
    return {
        "Host": host,
        "Authorization": f"Bearer {key}",
        "Accept": "application/scim+json",
        "Accept-Charset": "utf-8",
        "Accept-Encoding": "gzip,deflate",
        "User-Agent": "Okta SCIM Client 1.0.0",
    }


def _creations(headers: dict[str, str], numbers: Iterator[int]) -> Iterator[Exchange]:
    extra = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "groups": [], "password": "1mz050nq"}
    for number in numbers:
        document = person(number).document
        yield request("POST", PATH, headers, orjson.dumps(document | extra)), _is_new(document)


def _is_new(document: dict[str, Any]) -> Check:
    def check(status: int, body: bytes) -> str | None:
        got = orjson.loads(body)
        right = status == 201 and got | document == got and got["meta"]["version"] == 'W/"1"'
        return None if right else "expected 201 and the new user"

    return check


def _patches(headers: dict[str, str], ids: list[str]) -> Iterator[Exchange]:
    """Each person loses access and gets it back; the version says that every single request changed something."""
    version = 1
    off, on = (
        orjson.dumps(
            {
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "replace", "value": {"active": active}}],
            }
        )
        for active in (False, True)
    )
    while True:
        for each in ids:
            yield request("PATCH", f"{PATH}/{each}", headers, off), _is_changed(each, version + 1, active=False)
            yield request("PATCH", f"{PATH}/{each}", headers, on), _is_changed(each, version + 2, active=True)
        version += 2


def _is_changed(id: str, version: int, *, active: bool) -> Check:
    wanted = (id, active, f'W/"{version}"')

    def check(status: int, body: bytes) -> str | None:
        got = orjson.loads(body)
        right = status == 200 and (got["id"], got["active"], got["meta"]["version"]) == wanted
        return None if right else f"expected 200 and {wanted}"

    return check
