"""Requests that no HTTP library would send, byte by byte, and what comes back for them."""

import json
import socket
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

from tests.scim_facade.people import ERROR
from tests.stage import Tenant

USERS = "/api/scim/v2/Users"


@dataclass(frozen=True)
class Answer:
    """What the server sent."""

    status: int
    headers: dict[str, str]
    body: bytes

    def error(self, status: int, *words: str) -> dict[str, Any]:
        """The SCIM Error of this status whose detail has these words; AssertionError where the answer is none."""
        assert self.status == status, (self.status, self.body)
        assert self.headers["content-type"] == "application/scim+json"
        error: dict[str, Any] = json.loads(self.body)
        assert (error["schemas"], error["status"]) == ([ERROR], str(status))
        assert self.headers["x-request-id"] in error["detail"]
        assert len(error["detail"].split()) > 4, "a detail is a sentence"
        for word in words:
            assert word in error["detail"], error
        return error


def head(tenant: Tenant, *lines: str, method: str = "GET", target: str = USERS, host: str = "") -> bytes:
    """A request line and headers, with the workspace's host and key, and these lines."""
    host = host or f"{tenant.subdomain}.api.localhost:{tenant.server.port}"
    all_lines = (f"{method} {target} HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {tenant.key}", *lines)
    return "".join(f"{line}\r\n" for line in all_lines).encode("latin-1")


def sent(tenant: Tenant, request: bytes, *, method: str = "GET") -> Answer:
    """The answer to these bytes."""
    with socket.create_connection(("127.0.0.1", tenant.server.port), timeout=60) as connection:
        connection.sendall(request)
        return received(connection, method)


def received(connection: socket.socket, method: str = "GET") -> Answer:
    """The next answer on a connection."""
    response = HTTPResponse(connection, method=method)
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())
