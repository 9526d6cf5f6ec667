"""The least that a SCIM server could do for these workloads: written by hand on bare ASGI and sqlite3, no more.

It knows the requests of scim_workloads.py and no others, checks no key, keeps no log and waits for no disk
(`synchronous=NORMAL`). The people page of graphql_workloads.py is a FastAPI route here that reads no GraphQL and sends
ready JSON from SQL. `python -m benchmarks.limit_server PORT FOLDER` serves the databases in a folder, one for each
workspace.
"""

import re
import sqlite3
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

import orjson
import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from benchmarks.people import Person

_TABLES = """
CREATE TABLE IF NOT EXISTS user (
    n INTEGER PRIMARY KEY, id TEXT UNIQUE, user_name TEXT UNIQUE, external_id TEXT, given TEXT, family TEXT,
    display_name TEXT, active INTEGER, version INTEGER
);
CREATE INDEX IF NOT EXISTS user_external_id ON user (external_id);
CREATE INDEX IF NOT EXISTS user_in_order ON user (display_name, id);
CREATE TABLE IF NOT EXISTS member (group_id TEXT, user_id TEXT, PRIMARY KEY (group_id, user_id)) WITHOUT ROWID;
"""
_COLUMNS = "id, user_name, external_id, given, family, display_name, active, version"
_INSERT = f"INSERT INTO user ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_FILTER = re.compile(r'(userName|externalId|emails\.value) eq "([^"]*)"')
_FOUND_BY = {"userName": "user_name", "externalId": "external_id", "emails.value": "user_name"}
_LIST = ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]
_USER = ["urn:ietf:params:scim:schemas:core:2.0:User"]
_MOMENT = "2026-01-01T00:00:00.000Z"
_PATH = "/api/scim/v2/Users"
_GROUPS = "/api/scim/v2/Groups"

Answer = tuple[int, bytes]


def fill(path: Path, people: Iterable[Person]) -> dict[str, Person]:
    """Make a workspace's database, with an owner and these people, who are returned by id in the order of creation."""
    made = {f"{number:032x}": person for number, person in enumerate(people, 1)}
    everybody = {"0" * 32: Person(f"alice@{path.stem}.example", "Alice", "Archer", ""), **made}
    rows = [
        (user_id, each.user_name, each.external_id, each.given, each.family, f"{each.given} {each.family}", 1, 1)
        for user_id, each in everybody.items()
    ]
    connection = _open(path)
    connection.execute("BEGIN")
    connection.executemany(_INSERT, rows)
    connection.execute("COMMIT")
    connection.close()
    return made


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_TABLES}")
    return connection


class LimitServer:
    """The ASGI application: which workspace is said by the first label of the Host header."""

    def __init__(self, folder: Path) -> None:
        self._databases = {each.stem.encode(): _open(each) for each in folder.glob("*.sqlite3")}
        self._people_page = _people_page(self._databases)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        if scope["path"] == "/graphql":
            await self._people_page(scope, receive, send)
            return
        body = b""
        while (message := await receive()).get("more_body"):
            body += message["body"]
        body += message.get("body", b"")
        host = next(value for name, value in scope["headers"] if name == b"host")
        status, answer = _answered(self._databases[host.partition(b".")[0]], scope, body)
        length = str(len(answer)).encode()
        headers = [(b"content-type", b"application/scim+json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


def _answered(database: sqlite3.Connection, scope: Scope, body: bytes) -> Answer:
    if scope["path"].startswith(_GROUPS):
        return _group(database, scope["path"][len(_GROUPS) + 1 :], orjson.loads(body))
    user_id = scope["path"][len(_PATH) + 1 :]
    match scope["method"]:
        case "GET" if user_id:
            return 200, orjson.dumps(_document(_user(database, user_id)))
        case "GET":
            return 200, _page(database, dict(parse_qsl(scope["query_string"].decode())))
        case "POST":
            return 201, _created(database, orjson.loads(body))
        case _:
            return 200, _switched(database, user_id, active=orjson.loads(body)["Operations"][0]["value"]["active"])


def _user(database: sqlite3.Connection, user_id: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] = database.execute(f"SELECT {_COLUMNS} FROM user WHERE id = ?", (user_id,)).fetchone()  # noqa: S608
    return row


def _page(database: sqlite3.Connection, asked: dict[str, str]) -> bytes:
    where, values = "", tuple[str, ...]()
    if found := _FILTER.fullmatch(asked.get("filter", "")):
        where, values = f"WHERE {_FOUND_BY[found[1]]} = ?", (found[2].lower(),)
    start, count = int(asked.get("startIndex", 1)), int(asked.get("count", 100))
    if "cursor" in asked:
        return _behind(database, asked["cursor"], count)
    sql = f"SELECT {_COLUMNS} FROM user {where} ORDER BY n LIMIT ? OFFSET ?"  # noqa: S608
    rows = database.execute(sql, (*values, count, start - 1)).fetchall()
    (total,) = database.execute(f"SELECT count(*) FROM user {where}", values).fetchone()  # noqa: S608
    return _list(rows, {"totalResults": total, "startIndex": start})


def _behind(database: sqlite3.Connection, cursor: str, count: int) -> bytes:
    sql = f"SELECT {_COLUMNS} FROM user WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608
    rows = database.execute(sql, (cursor, count)).fetchall()
    (total,) = database.execute("SELECT count(*) FROM user").fetchone()
    return _list(rows, {"totalResults": total, "nextCursor": rows[-1][0]})


def _group(database: sqlite3.Connection, group_id: str, message: dict[str, Any]) -> Answer:
    if group_id:
        operation = message["Operations"][0]
        sql = "INSERT OR IGNORE INTO member VALUES (?, ?)"
        if operation["op"] == "remove":
            sql = "DELETE FROM member WHERE group_id = ? AND user_id = ?"
    else:
        operation, group_id, sql = {"value": message["members"]}, uuid4().hex, "INSERT INTO member VALUES (?, ?)"
    database.execute("BEGIN")
    database.executemany(sql, [(group_id, each["value"]) for each in operation["value"]])
    database.execute("COMMIT")
    return (204, b"") if "op" in operation else (201, orjson.dumps({"id": group_id}))


def _list(rows: list[tuple[Any, ...]], said: dict[str, Any]) -> bytes:
    return orjson.dumps(
        {"schemas": _LIST, **said, "itemsPerPage": len(rows), "Resources": [_document(row) for row in rows]}
    )


def _people_page(databases: dict[bytes, sqlite3.Connection]) -> FastAPI:
    app = FastAPI(openapi_url=None)

    @app.post("/graphql")
    async def people(request: Request) -> Response:
        database = databases[request.headers["host"].partition(".")[0].encode()]
        return Response(
            _people(database, orjson.loads(await request.body())["variables"]), media_type="application/json"
        )

    return app


def _people(database: sqlite3.Connection, variables: dict[str, Any]) -> bytes:
    first, after = variables["first"], variables["after"]
    begin = orjson.loads(urlsafe_b64decode(after)) if after else ("", "")
    sql = f"SELECT {_COLUMNS} FROM user WHERE (display_name, id) > (?, ?) ORDER BY display_name, id LIMIT ?"  # noqa: S608
    rows = database.execute(sql, (*begin, first + 1)).fetchall()
    (total,) = database.execute("SELECT count(*) FROM user").fetchone()
    edges = [{"cursor": urlsafe_b64encode(orjson.dumps((row[5], row[0]))).decode(), "node": _node(row)} for row in rows]
    shown = edges[:first]
    page = {"hasNextPage": len(rows) > first, "endCursor": shown[-1]["cursor"]}
    found = {"totalCount": total, "pageInfo": page, "edges": shown}
    return orjson.dumps({"data": {"viewer": {"workspace": {"users": found}}}})


def _node(row: tuple[Any, ...]) -> dict[str, Any]:
    user_id, user_name, _, _, _, display_name, active, _ = row
    return {
        "id": user_id,
        "displayName": display_name,
        "userName": user_name,
        "email": user_name,
        "status": "ACTIVE" if active else "INACTIVE",
        "role": "MEMBER",
        "managedBy": "DIRECTORY",
        "createdAt": _MOMENT,
    }


def _created(database: sqlite3.Connection, document: dict[str, Any]) -> bytes:
    name, user_name = document["name"], document["userName"].lower()
    shown = document["displayName"]
    row = (uuid4().hex, user_name, document["externalId"], name["givenName"], name["familyName"], shown, 1, 1)
    database.execute(_INSERT, row)
    return orjson.dumps(_document(row))


def _switched(database: sqlite3.Connection, user_id: str, *, active: bool) -> bytes:
    database.execute("UPDATE user SET active = ?, version = version + 1 WHERE id = ?", (active, user_id))
    return orjson.dumps(_document(_user(database, user_id)))


def _document(row: tuple[Any, ...]) -> dict[str, Any]:
    user_id, user_name, external_id, given, family, display_name, active, version = row
    return {
        "schemas": _USER,
        "id": user_id,
        "externalId": external_id,
        "userName": user_name,
        "name": {"familyName": family, "givenName": given},
        "displayName": display_name,
        "locale": "en-US",
        "active": bool(active),
        "emails": [{"primary": True, "value": user_name, "type": "work"}],
        "meta": {
            "created": _MOMENT,
            "lastModified": _MOMENT,
            "resourceType": "User",
            "version": f'W/"{version}"',
            "location": f"http://read.api.bench.example{_PATH}/{user_id}",
        },
    }


if __name__ == "__main__":
    app = LimitServer(Path(sys.argv[2]))
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, server_header=False, log_config=None, lifespan="off")
