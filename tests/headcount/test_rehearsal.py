"""The rehearsal: its case files, its matchers, and how it behaves when a server does not."""

import io
import json
import re
import signal
import subprocess
import sys
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

import pytest
from pydantic import JsonValue
from rich.console import Console

from headcount.rehearsal.cases import CannotRehearseError, Script, load, load_folder
from headcount.rehearsal.matchers import Actual, Nothing, differences
from headcount.rehearsal.placeholders import MissingValueError, fill, fill_text, merged
from headcount.rehearsal.player import play, rehearse
from headcount.rehearsal.report import Outcome, Report, as_json, render
from headcount.rehearsal.target import target

TOKEN = "hc_scim_not-for-anyone-to-see"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
NAME = "rehearsal.{{run}}@example.com"


# ---- tiny real servers


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

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

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
        id = f"u{next(self._ids)}"
        self.users[id] = {"active": True, **document, "id": id}
        return self.users[id]

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


def create(**more: Any) -> dict[str, Any]:
    body = {"userName": NAME, "password": "{{password}}", "active": True}
    return step("POST", status=201, body=body, keep="user", expected={"id": {"$type": "text"}}, **more)


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., Script]:
    """Makes a script of one case from its steps and whatever else the case is to say."""

    def make(*steps: dict[str, Any], **case: Any) -> Script:
        provider = json.loads((Path(__file__).parents[2] / "headcount/rehearsal/okta/provider.json").read_text())
        (tmp_path / "provider.json").write_text(json.dumps(provider))
        document = {"title": "A case", "sources": ["nobody but this test"], "steps": steps, **case}
        (tmp_path / "01-case.json").write_text(json.dumps(document))
        return load_folder(tmp_path)

    return make


def printed(report: Report) -> str:
    console = Console(file=io.StringIO(), width=200)
    render(report, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


# ---- case files


def test_every_okta_case_names_a_public_source() -> None:
    script = load("okta")
    assert len(script.cases) >= 25
    assert script.cases[0].gate
    for sources in (script.provider.sources, *(case.sources for case in script.cases)):
        assert any("https://" in source for source in sources), sources


def test_every_user_that_a_case_creates_carries_the_runs_marker() -> None:
    for case in load("okta").cases:
        for each in case.steps:
            if (each.request.method, each.request.path) == ("POST", "/Users"):
                assert "{{run}}" in json.dumps(each.request.body), (case.title, each.title)
            user_name = each.request.merge.get("userName", "{{run}}")
            assert "{{run}}" in str(user_name), (case.title, each.title)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"titel": "A case"}, "titel: Extra inputs are not permitted"),
        ({"sources": []}, "sources"),
        ({"steps": [step() | {"requird": True}]}, "steps.0.requird"),
        ({"steps": [step(method="FETCH")]}, "steps.0.request.method"),
        ({"steps": [step(path="Users")]}, "steps.0.request.path"),
        ({"steps": [step(expected={"id": {"$typ": "text"}})]}, "$typ is not an operator"),
        ({"steps": [step(expected={"id": {"$type": "uuid"}})]}, '$type cannot take "uuid"'),
        ({"steps": [step(expected={"id": {"$absent": True, "more": 1}})]}, "$absent stands beside other keys"),
        ({"steps": [step(expected={"$any": [{"$nope": 1}]})]}, "$nope is not an operator"),
        ({"steps": [step(path="/Users/{{user.id}}")]}, "nothing before this step is called user"),
        ({"steps": [step(query={"filter": "{{token}}"})]}, "nothing before this step is called token"),
        ({"steps": [step(body={"a": 1})]}, "a GET has no body"),
        ({"steps": [step("PUT", merge={"a": 1})]}, "merge and without need body_from"),
        ({"steps": [step(pages=True)]}, "pages needs a count"),
    ],
)
def test_a_case_file_that_is_not_as_it_must_be_is_named(
    script: Callable[..., Script], change: dict[str, Any], told: str
) -> None:
    with pytest.raises(CannotRehearseError, match=r"01-case\.json") as refused:
        script(**{"steps": [step()], **change})
    assert told in str(refused.value)


def test_a_case_file_that_is_not_json_is_named(script: Callable[..., Script], tmp_path: Path) -> None:
    script(step())
    (tmp_path / "02-broken.json").write_text("{")
    with pytest.raises(CannotRehearseError, match=r"02-broken\.json"):
        load_folder(tmp_path)


def test_an_unknown_provider_is_answered_with_those_there_are() -> None:
    with pytest.raises(CannotRehearseError, match="choose one of: okta"):
        load("okto")


# ---- placeholders and matchers

NAMES: dict[str, JsonValue] = {"run": "ab12", "user": {"id": "u/1", "n": 3, "emails": [{"value": "x"}], "$ref": "?"}}


def test_a_placeholder_by_itself_keeps_its_type_and_inside_text_becomes_text() -> None:
    template: JsonValue = {"a": "{{user}}", "b": ["{{user.n}}"], "c": "r-{{run}}-{{user.n}}", "d": None}
    assert fill(template, NAMES) == {"a": NAMES["user"], "b": [3], "c": "r-ab12-3", "d": None}
    assert fill("{{user.emails.0.value}}", NAMES) == "x"
    assert fill_text("/Users/{{user.id}}", NAMES, escaped=lambda text: text.replace("/", "%2F")) == "/Users/u%2F1"


@pytest.mark.parametrize("template", ["{{user.name}}", "{{user.emails.1.value}}", "{{user.emails.x}}", "{{nobody}}"])
def test_a_placeholder_for_nothing_is_told(template: str) -> None:
    with pytest.raises(MissingValueError):
        fill(template, NAMES)


def test_merging_lays_objects_over_each_other_and_sends_null_as_null() -> None:
    base: JsonValue = {"name": {"givenName": "A", "familyName": "B"}, "emails": [1, 2], "title": "T"}
    changes: dict[str, JsonValue] = {"name": {"givenName": "C"}, "emails": [3], "title": None}
    assert merged(base, changes) == {"name": {"givenName": "C", "familyName": "B"}, "emails": [3], "title": None}
    assert base == {"name": {"givenName": "A", "familyName": "B"}, "emails": [1, 2], "title": "T"}


@pytest.mark.parametrize(
    ("expected", "good", "bad"),
    [
        (1, [1], [2, "1", True, 1.5, None, Nothing.ABSENT]),
        (True, [True], [1, "true", False]),
        (None, [None], [False, "", Nothing.ABSENT]),
        ("ab12", ["ab12"], ["AB12", Nothing.ABSENT]),
        ("{{run}}", ["ab12"], ["{{run}}"]),
        ("{{user}}", [NAMES["user"]], [{}, NAMES["run"]]),
        ({"a": 1}, [{"a": 1, "b": 2}], [{"b": 2}, {"a": "1"}, [1], None]),
        ([1, {"a": 2}], [[1, {"a": 2, "b": 3}]], [[1], [1, {}], {"0": 1}]),
        ({"$type": "integer"}, [0, 7], ["7", True, 1.5, None]),
        ({"$type": "boolean"}, [True], ["true", 1]),
        ({"$type": "text"}, ["x"], ["", " ", 1, Nothing.ABSENT]),
        ({"$type": "string"}, ["", "x"], [1]),
        ({"$type": "list"}, [[]], [{}, None]),
        ({"$type": "object"}, [{}], [[]]),
        ({"$absent": True}, [Nothing.ABSENT], [None, "", 0]),
        ({"$empty": True}, [Nothing.ABSENT, None, "", [], {}], [0, False, "x", [None]]),
        ({"$contains": [{"a": 1}, 2]}, [[2, 3, {"a": 1, "b": 1}]], [[2], [{"a": 1}], {"a": 1}, Nothing.ABSENT]),
        ({"$any": [1, {"$type": "text"}]}, [1, "x"], [2, ""]),
        ({"$all": [{"$length": 2}, {"$distinct": "id"}]}, [[{"id": 1}, {"id": 2}]], [[{"id": 1}], [{"id": 1}] * 2]),
        ({"$length": "{{user.n}}"}, [[1, 2, 3]], [[1], "abc"]),
        ({"$distinct": "id"}, [[{"id": "1"}, {"id": "2"}], []], [[{"id": "1"}, {"id": "1"}], [1], None]),
        ({"$starts": "Bearer"}, ['Bearer realm="x"'], ["Basic", Nothing.ABSENT]),
        ({"$ends": "/{{user.id}}"}, ["https://x/u/1"], ["https://x/u/2", 1]),
    ],
)
def test_matchers(expected: JsonValue, good: list[Actual], bad: list[Actual]) -> None:
    for actual in good:
        assert list(differences(expected, actual, NAMES)) == [], actual
    for actual in bad:
        assert list(differences(expected, actual, NAMES)), actual


def test_a_difference_says_where_and_what() -> None:
    expected: JsonValue = {"Resources": [{"startIndex": {"$type": "integer"}}], "id": "{{answer.id}}"}
    assert list(differences(expected, {"Resources": [{"startIndex": "1"}], "id": "u1"}, NAMES)) == [
        'Resources[0].startIndex: expected a whole number, got "1"',
        "id: cannot be compared, no earlier answer holds answer.id",
    ]


# ---- where it plays


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("https://example.com/scim/v2/", "abc"),
        (" http://localhost:8000/scim/v2 ", "Bearer abc"),
        ("https://[::1]", "abc "),
    ],
)
def test_a_target_is_tidied(url: str, token: str) -> None:
    to = target(url, token)
    assert to.base_url == url.strip().rstrip("/")
    assert to.token == "abc"
    assert "abc" not in repr(to)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "must begin with https://"),
        ("example.com/scim/v2", "must begin with https://"),
        ("ftp://example.com", "must begin with https://"),
        ("https:///scim", "must begin with https://"),
        ("https://acme_corp.example.com/scim/v2", "underscore"),
        ("https://example.com/scim_v2", "underscore"),
        ("https://example.com/scim/v2?aadOptscim062020", "leave out everything from the ?"),
        ("https://example.com/scim/v2#x", "leave out everything from the ?"),
        ("https://me:secret@example.com/scim/v2", "user name or password"),
        ("https://example.com/scim/v2/Users", "leave out /Users"),
        ("https://example.com:port/", "cannot be read"),
    ],
)
def test_a_base_url_that_no_provider_could_use_is_refused_with_what_to_do(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)) as refused:
        target(url, "abc")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("token", ["", "  ", "two words", "tokén", "a\nb"])
def test_a_token_that_no_header_could_carry_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(ValueError, match="The token") as refused:
        target("https://example.com", token)
    assert not token.strip() or token not in str(refused.value)


# ---- playing


def test_requests_look_like_oktas_and_everything_is_deleted_again(script: Callable[..., Script]) -> None:
    directory = Directory(people=1)
    look_up = step(query={"filter": f'userName eq "{NAME}"', "startIndex": "1"}, expected={"totalResults": 1})
    with serving(directory) as url:
        report = play(script(create(), look_up, step("GET", "/Users/{{user.id}}")), url + "/", f"Bearer {TOKEN}")
    assert report.passed
    assert [result.outcome for result in report.results] == [Outcome.PASSED] * 3
    assert [seen.method for seen in directory.seen] == ["POST", "GET", "GET", "DELETE"]
    post, get = directory.seen[0], directory.seen[1]
    for seen in directory.seen:
        assert seen.headers["User-Agent"] == "Okta SCIM Client 1.0.0"
        assert (seen.headers["Accept"], seen.headers["Accept-Charset"]) == ("application/scim+json", "utf-8")
        assert seen.headers["Accept-Encoding"] == "gzip,deflate"
    assert post.headers["Content-Type"] == "application/scim+json; charset=utf-8"
    assert "Content-Type" not in get.headers
    run = post.body["userName"].split(".")[1].split("@")[0]
    assert get.target == (f"/scim/v2/Users?filter=userName%20eq%20%22rehearsal.{run}%40example.com%22&startIndex=1")
    assert len(post.body["password"]) == 8
    assert (report.created, report.leftovers, len(directory.users)) == (1, (), 1)
    assert "created and deleted again: 1; nothing was left behind" in printed(report)


def test_the_report_is_json(script: Callable[..., Script]) -> None:
    with serving(Directory()) as url:
        report = play(script(create()), url, TOKEN)
    document = json.loads(as_json(report))
    assert document["passed"] is True
    assert document["results"][0]["outcome"] == "ok"
    assert document["results"][0]["ms"] > 0


def test_a_number_sent_as_text_fails_the_okta_run_at_its_gate() -> None:
    def textual(seen: Seen) -> Reply:
        numbers = {"totalResults": 0, "startIndex": "1", "itemsPerPage": 0}
        return Reply(200, {"schemas": [LIST], **numbers, "Resources": []})

    console = Console(file=io.StringIO(), width=200)
    with serving(textual) as url:
        assert rehearse("okta", url, TOKEN, console) is False
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert 'startIndex: expected a whole number, got "1"' in shown
    assert 'Stopped: after "Okta tests the connection" has failed' in shown
    assert "FAILED: 0 of 1 required steps went well" in shown


def test_a_create_answered_with_nothing_fails_and_its_user_is_found_and_deleted(script: Callable[..., Script]) -> None:
    directory = Directory()

    def mute(seen: Seen) -> Reply:
        reply = directory(seen)
        return Reply(201) if seen.method == "POST" else reply

    with serving(mute) as url:
        report = play(script(create(), step("GET", "/Users/{{user.id}}")), url, TOKEN)
    created, read = report.results
    assert (created.outcome, created.problems) == (Outcome.FAILED, ("the body is empty",))
    assert (read.outcome, read.came_back, read.ms) == (Outcome.SKIPPED, "not sent", None)
    assert not report.passed
    assert (report.created, report.leftovers, directory.users) == (1, (), {})


def test_a_step_that_is_not_required_warns(script: Callable[..., Script]) -> None:
    slow = step(required=False)
    slow["expect"] |= {"within_ms": 1}
    directory = Directory()
    with serving(lambda seen: Reply(200, directory(seen).body, delay=0.05)) as url:
        report = play(script(step(), slow, step(expected={"totalResults": 9}, required=False)), url, TOKEN)
    assert [result.outcome for result in report.results] == [Outcome.PASSED, Outcome.WARNING, Outcome.WARNING]
    assert report.passed
    assert "expected at most 1 ms" in printed(report)
    assert "warnings: 2" in printed(report)


def test_a_gateways_page_is_told_and_not_thrown(script: Callable[..., Script]) -> None:
    page = b"<html><head><title>502 Bad Gateway</title></head></html>"
    with serving(lambda seen: Reply(502, page, {"Content-Type": "text/html"})) as url:
        report = play(script(step(), create()), url, TOKEN)
    assert report.results[0].problems == (f"expected 200; it said: {page.decode()}",)
    assert not report.passed
    assert "it may exist" in printed(report)  # a gateway may have lost the answer to a create that succeeded

    with serving(lambda seen: Reply(200, page, {"Content-Type": "text/html"})) as url:
        report = play(script(step(expected={"totalResults": 0})), url, TOKEN)
    assert report.results[0].problems == (f"the body is not JSON (text/html): {page.decode()}",)


def test_a_redirect_is_told_with_where_it_points(script: Callable[..., Script]) -> None:
    with serving(lambda seen: Reply(301, None, {"Location": "https://elsewhere.example/"})) as url:
        report = play(script(step(), create()), url, TOKEN)
    assert report.results[0].problems == ("expected 200; it redirects to https://elsewhere.example/",)
    assert (report.created, report.leftovers) == (0, ())


def test_nobody_listening_ends_the_run_at_once() -> None:
    with serving(Directory()) as url:
        pass
    begun = time.monotonic()
    report = play(load("okta"), url, TOKEN)
    assert time.monotonic() - begun < 5
    assert not report.passed
    assert report.stopped is not None
    assert "no connection" in report.results[0].problems[0]
    assert report.unplayed > 50


def test_a_server_that_falls_silent_stops_the_run_and_its_user_is_named(script: Callable[..., Script]) -> None:
    directory = Directory()

    def dying(seen: Seen) -> Reply:
        return directory(seen) if not directory.users else Reply(0, hang_up=True)

    with serving(dying) as url:
        report = play(script(create(), *[step()] * 9), url, TOKEN)
    assert report.stopped == "the server does not answer"
    assert (len(report.results), report.unplayed) == (3, 7)
    assert report.results[1].problems[0].startswith("the connection broke before a whole answer came")
    (left,) = report.leftovers
    assert left.id in directory.users
    assert f"{left.user_name} (id {left.id}): still there" in printed(report)


def test_a_create_whose_answer_is_lost_is_cleaned_up(script: Callable[..., Script]) -> None:
    directory = Directory(people=2)

    def forgetful(seen: Seen) -> Reply:
        reply = directory(seen)
        return Reply(0, hang_up=True) if seen.method == "POST" else reply

    with serving(forgetful) as url:
        report = play(script(create()), url, TOKEN)
    assert report.results[0].outcome is Outcome.FAILED
    assert (report.created, report.leftovers, len(directory.users)) == (1, (), 2)


def test_an_answer_that_comes_too_late_fails_and_is_cleaned_up(script: Callable[..., Script]) -> None:
    directory = Directory()

    def slow(seen: Seen) -> Reply:
        reply = directory(seen)
        reply.delay = 1.0 if seen.method == "POST" else 0
        return reply

    with serving(slow) as url:
        report = play(script(create()), url, TOKEN, timeout=0.2)
    assert report.results[0].problems == ("no answer within 0.2 s",)
    assert (report.leftovers, directory.users) == ((), {})


@pytest.mark.parametrize("patch_works", [True, False])
def test_where_delete_is_not_offered_users_are_deactivated_and_named(
    script: Callable[..., Script], patch_works: bool
) -> None:
    directory = Directory()

    def keeping(seen: Seen) -> Reply:
        refused = {"DELETE"} if patch_works else {"DELETE", "PATCH"}
        return error(405) if seen.method in refused else directory(seen)

    with serving(keeping) as url:
        report = play(script(create()), url, TOKEN)
    (user,) = directory.users.values()
    assert user["active"] is False
    assert report.passed
    assert report.leftovers[0].state == "deactivated; DELETE was answered 405"
    assert "Left behind, of 1 users created: 1. Remove them by hand:" in printed(report)
    assert f"{user['userName']} (id {user['id']}): deactivated" in printed(report)


def test_a_delete_that_fails_is_tried_again_before_the_run_ends(script: Callable[..., Script]) -> None:
    directory, refusals = Directory(), iter([True])

    def moody(seen: Seen) -> Reply:
        return error(503) if seen.method == "DELETE" and next(refusals, False) else directory(seen)

    with serving(moody) as url:
        report = play(script(create()), url, TOKEN)
    assert (report.leftovers, directory.users) == ((), {})


def test_somebody_elses_user_is_never_deleted(script: Callable[..., Script]) -> None:
    directory = Directory(people=1)
    (alice,) = directory.users.values()

    def confused(seen: Seen) -> Reply:
        """Answers every create with Alice, and every filter with everybody."""
        return Reply(201, alice) if seen.method == "POST" else directory(Seen("GET", "/Users", seen.headers, None))

    with serving(confused) as url:
        report = play(script(create()), url, TOKEN)
    assert list(directory.users.values()) == [alice]
    assert "DELETE" not in {seen.method for seen in directory.seen}
    assert report.leftovers[0].id is None


def test_too_many_requests_is_obeyed(script: Callable[..., Script]) -> None:
    directory, busy = Directory(), iter([{"Retry-After": "1"}])

    def limited(seen: Seen) -> Reply:
        headers = next(busy, None)
        return directory(seen) if headers is None else Reply(429, None, headers)

    with serving(limited) as url:
        begun = time.monotonic()
        assert play(script(step()), url, TOKEN).passed
        assert time.monotonic() - begun >= 1
        busy = iter([{"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}])
        assert not play(script(step()), url, TOKEN).passed


WALK = step(
    query={"startIndex": "1", "count": "100"},
    pages=True,
    expected={"Resources": {"$all": [{"$length": "{{answer.totalResults}}"}, {"$distinct": "id"}]}},
)


def test_pages_are_walked_to_the_end(script: Callable[..., Script]) -> None:
    directory = Directory(people=250)
    with serving(directory) as url:
        report = play(script(WALK), url, TOKEN)
    assert report.passed
    assert report.results[0].came_back == "200, 3 requests"
    assert [seen.query["startIndex"] for seen in directory.seen] == ["1", "101", "201"]


@pytest.mark.parametrize("fault", ["repeats", "loses", "ends early", "breaks"])
def test_pages_that_are_wrong_fail(script: Callable[..., Script], fault: str) -> None:
    directory = Directory(people=250)

    def wrong(seen: Seen) -> Reply:
        reply = directory(seen)
        if seen.query["startIndex"] == "1":
            return reply
        match fault:
            case "repeats":
                reply.body["Resources"] = list(directory.users.values())[:100]
            case "loses":
                reply.body["Resources"] = reply.body["Resources"][:-1]
            case "ends early":
                reply.body["Resources"] = []
            case _:
                return error(500)
        return reply

    with serving(wrong) as url:
        assert not play(script(WALK), url, TOKEN).passed


def test_neither_the_token_nor_a_servers_escape_sequences_reach_the_terminal(script: Callable[..., Script]) -> None:
    def telltale(seen: Seen) -> Reply:
        return error(500, f"[red]\x1b[2J{seen.headers['Authorization']}")

    with serving(telltale) as url:
        report = play(script(step()), url, TOKEN)
    shown = printed(report)
    assert "[red]�[2JBearer (the token)" in shown
    assert TOKEN not in shown + as_json(report)
    assert "\x1b" not in shown


def test_ctrl_c_cleans_up_and_fails(script: Callable[..., Script], tmp_path: Path) -> None:
    script(create(), step(), create())
    directory, waiting = Directory(), threading.Event()

    def hanging(seen: Seen) -> Reply:
        reply = directory(seen)
        if seen.method == "GET" and "filter" not in seen.query:
            waiting.set()
            reply.delay = 30
        return reply

    program = f"""
import signal, sys, pathlib, rich.console
from headcount.rehearsal import cases, player, report
signal.signal(signal.SIGINT, signal.default_int_handler)
found = player.play(cases.load_folder(pathlib.Path({str(tmp_path)!r})), sys.argv[1], sys.argv[2])
report.render(found, rich.console.Console())
sys.exit(not found.passed)
"""
    with serving(hanging) as url:
        command = [sys.executable, "-c", program, url, TOKEN]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert waiting.wait(20)
            process.send_signal(signal.SIGINT)
            shown, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (1, "")
    assert "Stopped: interrupted. Steps not played: 2." in shown
    assert "created and deleted again: 1; nothing was left behind" in shown
    assert directory.users == {}
