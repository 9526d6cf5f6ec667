"""What the tests of the rehearsal share: tiny real servers, and scripts written on the spot."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import headcount.rehearsal
from headcount.rehearsal.cases import Script, load_folder

TOKEN = "hc_scim_not-for-anyone-to-see"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
NAME = "rehearsal.{{run}}@example.com"


@dataclass
class Seen:
    """A request as it arrived: `target` is the raw path with its query, `query` the query decoded."""

    method: str
    target: str
    headers: dict[str, str]
    body: Any

    @property
    def path(self) -> str:
        return urlsplit(self.target).path.removeprefix("/scim/v2")

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}


@dataclass
class Reply:
    """What the tiny server sends: JSON, or bytes as they are; after `delay` seconds; or it hangs up instead."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0
    hang_up: bool = False


def error(status: int, detail: str = "no") -> Reply:
    return Reply(status, {"schemas": [ERROR], "status": str(status), "detail": detail})


@contextmanager
def serving(answer: Callable[[Seen], Reply]) -> Iterator[str]:
    """Serve on a free port of this machine; yields the base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.loads(content) if content else None
            reply = answer(Seen(self.command, self.path, dict(self.headers.items()), body))
            time.sleep(reply.delay)
            if reply.hang_up:
                self.close_connection = True
                return
            sent = reply.body if isinstance(reply.body, bytes) else b""
            if reply.body is not None and not isinstance(reply.body, bytes):
                sent = json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/scim+json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that stopped waiting has closed its end

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/scim/v2"
        finally:
            server.shutdown()
            thread.join()


class Directory:
    """As much of a SCIM server as these tests need, with every request it has seen."""

    def __init__(self, people: int = 0) -> None:
        self.seen: list[Seen] = []
        self.users: dict[str, dict[str, Any]] = {}
        self._ids = count(1)
        for number in range(people):
            self.add({"userName": f"somebody{number}@example.com"})

    def add(self, document: dict[str, Any]) -> dict[str, Any]:
        user = {"active": True, **document, "id": f"u{next(self._ids)}"}
        self.users[user["id"]] = user
        return user

    def __call__(self, seen: Seen) -> Reply:
        self.seen.append(seen)
        if seen.headers.get("Authorization") != f"Bearer {TOKEN}":
            return error(401)
        if seen.path == "/Users":
            return self._create(seen.body) if seen.method == "POST" else self._list(seen.query)
        user = self.users.get(seen.path.removeprefix("/Users/"))
        if user is None:
            return error(404)
        if seen.method == "DELETE":
            del self.users[user["id"]]
            return Reply(204)
        if seen.method == "PATCH":
            user |= seen.body["Operations"][0]["value"]
        if seen.method == "PUT":
            user |= seen.body
        return Reply(200, user)

    def _create(self, document: dict[str, Any]) -> Reply:
        if any(user["userName"] == document["userName"] for user in self.users.values()):
            return error(409)
        return Reply(201, self.add(document))

    def _list(self, query: dict[str, str]) -> Reply:
        wanted = re.fullmatch(r'userName eq "(.*)"', query.get("filter", ""))
        found = [user for user in self.users.values() if not wanted or user["userName"] == wanted[1]]
        start, most = int(query.get("startIndex", 1)), int(query.get("count", 100))
        page = found[start - 1 : start - 1 + most]
        numbers = {"totalResults": len(found), "startIndex": start, "itemsPerPage": len(page)}
        return Reply(200, {"schemas": [LIST], **numbers, "Resources": page})


def step(method: str = "GET", path: str = "/Users", status: int = 200, **more: Any) -> dict[str, Any]:
    """A step of a case file: `body`, `query` … go to the request, `expected` to expect.body, the rest to the step."""
    request = {key: more.pop(key) for key in tuple(more) if key in {"body", "body_from", "merge", "query", "pages"}}
    expect = {"status": [status]} | ({"body": more.pop("expected")} if "expected" in more else {})
    title = f"{method} {path}"
    return {"title": title, "request": {"method": method, "path": path, **request}, "expect": expect, **more}


def create(user_name: str = NAME, **more: Any) -> dict[str, Any]:
    """A step that creates a user and keeps it as `user`."""
    body = {"userName": user_name, "password": "{{password}}", "active": True}
    return step("POST", status=201, body=body, keep="user", expected={"id": {"$type": "text"}}, **more)


def script(folder: Path, *steps: dict[str, Any], **case: Any) -> Script:
    """The script of one case, from its steps and whatever else the case is to say; Okta's headers."""
    okta = Path(headcount.rehearsal.__path__[0]) / "okta"
    (folder / "provider.json").write_text((okta / "provider.json").read_text())
    document = {"title": "A case", "sources": ["nobody but this test"], "steps": steps, **case}
    (folder / "01-case.json").write_text(json.dumps(document))
    return load_folder(folder)
