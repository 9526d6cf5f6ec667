"""How the rehearsal plays, above all when a server does not."""

import io
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

from headcount.rehearsal.cases import load
from headcount.rehearsal.player import play, rehearse
from headcount.rehearsal.report import Outcome, Report, as_json, render
from tests.headcount.rehearsing import LIST, NAME, TOKEN, Directory, Reply, Seen, create, error, script, serving, step
from tests.stage import Server, Tenant


def printed(report: Report) -> str:
    console = Console(file=io.StringIO(), width=200)
    render(report, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture(scope="module")
def tenant(server: Server) -> Tenant:
    """A workspace that nobody else writes to."""
    return server.found_another()


@pytest.mark.parametrize("provider", ["okta", "entra", "onelogin", "jumpcloud", "google"])
def test_our_own_server_passes_without_a_warning_and_keeps_nobody(tenant: Tenant, provider: str) -> None:
    url = f"http://{tenant.subdomain}.api.localhost:{tenant.server.port}/api/scim/v2"
    report = play(load(provider), url, tenant.key)
    assert [result for result in report.results if result.outcome is not Outcome.PASSED] == []
    assert (report.passed, report.leftovers, report.unplayed) == (True, (), 0)
    assert report.created >= 2
    assert tenant.scim().get("/Users").json()["totalResults"] == 1  # the owner
    assert tenant.scim().get("/Groups").json()["totalResults"] == 0


def test_requests_look_like_oktas_and_everything_is_deleted_again(tmp_path: Path) -> None:
    directory = Directory(people=1)
    look_up = step(query={"filter": f'userName eq "{NAME}"', "startIndex": "1"}, expected={"totalResults": 1})
    with serving(directory) as url:
        report = play(
            script(tmp_path, create(), look_up, step("GET", "/Users/{{user.id}}")), url + "/", f"Bearer {TOKEN}"
        )
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


def test_a_name_under_localhost_is_this_machine_and_stays_the_host(tmp_path: Path) -> None:
    directory = Directory()
    with serving(directory) as url:
        assert play(script(tmp_path, step()), url.replace("127.0.0.1", "acme.api.localhost"), TOKEN).passed
        assert directory.seen[0].headers["Host"] == url.split("/")[2].replace("127.0.0.1", "acme.api.localhost")


def test_the_report_is_json(tmp_path: Path) -> None:
    with serving(Directory()) as url:
        report = play(script(tmp_path, create()), url, TOKEN)
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


def test_a_create_answered_with_nothing_fails_and_its_user_is_found_and_deleted(tmp_path: Path) -> None:
    directory = Directory()

    def mute(seen: Seen) -> Reply:
        reply = directory(seen)
        return Reply(201) if seen.method == "POST" else reply

    with serving(mute) as url:
        report = play(script(tmp_path, create(), step("GET", "/Users/{{user.id}}")), url, TOKEN)
    created, read = report.results
    assert (created.outcome, created.problems) == (Outcome.FAILED, ("the body is empty",))
    assert (read.outcome, read.came_back, read.ms) == (Outcome.SKIPPED, "not sent", None)
    assert not report.passed
    assert (report.created, report.leftovers, directory.users) == (1, (), {})


def test_a_step_that_is_not_required_warns(tmp_path: Path) -> None:
    slow = step(required=False)
    slow["expect"] |= {"within_ms": 1}
    directory = Directory()
    with serving(lambda seen: Reply(200, directory(seen).body, delay=0.05)) as url:
        report = play(script(tmp_path, step(), slow, step(expected={"totalResults": 9}, required=False)), url, TOKEN)
    assert [result.outcome for result in report.results] == [Outcome.PASSED, Outcome.WARNING, Outcome.WARNING]
    assert report.passed
    assert "expected at most 1 ms" in printed(report)
    assert "warnings: 2" in printed(report)


def test_a_gateways_page_is_told_and_not_thrown(tmp_path: Path) -> None:
    page = b"<html><head><title>502 Bad Gateway</title></head></html>"
    with serving(lambda seen: Reply(502, page, {"Content-Type": "text/html"})) as url:
        report = play(script(tmp_path, step(), create()), url, TOKEN)
    assert report.results[0].problems == (f"expected 200; it said: {page.decode()}",)
    assert not report.passed
    assert "was answered 502" in printed(report)  # a gateway may lose the answer to a create that succeeded

    with serving(lambda seen: Reply(200, page, {"Content-Type": "text/html"})) as url:
        report = play(script(tmp_path, step(expected={"totalResults": 0})), url, TOKEN)
    assert report.results[0].problems == (f"the body is not JSON (text/html): {page.decode()}",)


def test_a_redirect_is_told_with_where_it_points(tmp_path: Path) -> None:
    with serving(lambda seen: Reply(301, None, {"Location": "https://elsewhere.example/"})) as url:
        report = play(script(tmp_path, step(), create()), url, TOKEN)
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


def test_a_server_that_falls_silent_stops_the_run_and_its_users_are_named(tmp_path: Path) -> None:
    directory, ignored = Directory(), list[str]()

    def dying(seen: Seen) -> Reply:
        if len(directory.users) < 2:
            return directory(seen)
        ignored.append(seen.method)
        return Reply(0, hang_up=True)

    with serving(dying) as url:
        steps = create(), create(f"other.{NAME}"), *[step()] * 9
        report = play(script(tmp_path, *steps), url, TOKEN)
    assert report.stopped == "the server does not answer"
    assert (len(report.results), report.unplayed) == (4, 7)
    assert report.results[2].problems[0].startswith("the connection broke before a whole answer came")
    assert {left.id for left in report.leftovers} == set(directory.users)
    for left in report.leftovers:
        assert f"{left.name} (id {left.id}): " in printed(report)
    # Each of these may have cost a whole time-out, so there are two steps and two attempts to clean up, and no more.
    assert ignored == ["GET", "GET", "DELETE", "DELETE"]


def test_a_create_whose_answer_is_lost_is_cleaned_up(tmp_path: Path) -> None:
    directory = Directory(people=2)

    def forgetful(seen: Seen) -> Reply:
        reply = directory(seen)
        return Reply(0, hang_up=True) if seen.method == "POST" else reply

    with serving(forgetful) as url:
        report = play(script(tmp_path, create()), url, TOKEN)
    assert report.results[0].outcome is Outcome.FAILED
    assert (report.created, report.leftovers, len(directory.users)) == (1, (), 2)


def test_an_answer_that_comes_too_late_fails_and_is_cleaned_up(tmp_path: Path) -> None:
    directory = Directory()

    def slow(seen: Seen) -> Reply:
        reply = directory(seen)
        reply.delay = 1.0 if seen.method == "POST" else 0
        return reply

    with serving(slow) as url:
        report = play(script(tmp_path, create()), url, TOKEN, timeout=0.2)
    assert report.results[0].problems == ("no answer within 0.2 s",)
    assert (report.leftovers, directory.users) == ((), {})


@pytest.mark.parametrize("patch_works", [True, False])
def test_where_delete_is_not_offered_users_are_deactivated_and_named(tmp_path: Path, patch_works: bool) -> None:
    directory = Directory()

    def keeping(seen: Seen) -> Reply:
        refused = {"DELETE"} if patch_works else {"DELETE", "PATCH"}
        return error(405) if seen.method in refused else directory(seen)

    with serving(keeping) as url:
        report = play(script(tmp_path, create()), url, TOKEN)
    (user,) = directory.users.values()
    assert user["active"] is False
    assert report.passed
    assert report.leftovers[0].state == "deactivated; DELETE was answered 405"
    assert "Left behind, of 1 created: 1. Remove them by hand:" in printed(report)
    assert f"{user['userName']} (id {user['id']}): deactivated" in printed(report)


def test_a_delete_that_fails_is_tried_again_before_the_run_ends(tmp_path: Path) -> None:
    directory, refusals = Directory(), iter([True])

    def moody(seen: Seen) -> Reply:
        return error(503) if seen.method == "DELETE" and next(refusals, False) else directory(seen)

    with serving(moody) as url:
        report = play(script(tmp_path, create()), url, TOKEN)
    assert (report.leftovers, directory.users) == ((), {})


def test_somebody_elses_user_is_never_deleted(tmp_path: Path) -> None:
    directory = Directory(people=1)
    (alice,) = directory.users.values()

    def confused(seen: Seen) -> Reply:
        """Answers every create with Alice, and every filter with everybody."""
        return Reply(201, alice) if seen.method == "POST" else directory(Seen("GET", "/Users", seen.headers, None))

    with serving(confused) as url:
        report = play(script(tmp_path, create()), url, TOKEN)
    assert list(directory.users.values()) == [alice]
    assert "DELETE" not in {seen.method for seen in directory.seen}
    assert report.leftovers[0].id is None


def test_too_many_requests_is_obeyed(tmp_path: Path) -> None:
    directory, busy = Directory(), iter([{"Retry-After": "1"}])

    def limited(seen: Seen) -> Reply:
        headers = next(busy, None)
        return directory(seen) if headers is None else Reply(429, None, headers)

    with serving(limited) as url:
        begun = time.monotonic()
        assert play(script(tmp_path, step()), url, TOKEN).passed
        assert time.monotonic() - begun >= 1
        busy = iter([{"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}])
        assert not play(script(tmp_path, step()), url, TOKEN).passed


WALK = step(
    query={"startIndex": "1", "count": "100"},
    pages=True,
    expected={"Resources": {"$all": [{"$length": "{{answer.totalResults}}"}, {"$distinct": "id"}]}},
)


def test_pages_are_walked_to_the_end(tmp_path: Path) -> None:
    directory = Directory(people=250)
    with serving(directory) as url:
        report = play(script(tmp_path, WALK), url, TOKEN)
    assert report.passed
    assert report.results[0].came_back == "200, 3 requests"
    assert [seen.query["startIndex"] for seen in directory.seen] == ["1", "101", "201"]


@pytest.mark.parametrize("fault", ["repeats", "loses", "ends early", "breaks"])
def test_pages_that_are_wrong_fail(tmp_path: Path, fault: str) -> None:
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
        assert not play(script(tmp_path, WALK), url, TOKEN).passed


def test_neither_the_token_nor_a_servers_escape_sequences_reach_the_terminal(tmp_path: Path) -> None:
    def telltale(seen: Seen) -> Reply:
        return error(500, f"[red]\x1b[2J{seen.headers['Authorization']}")

    with serving(telltale) as url:
        report = play(script(tmp_path, step()), url, TOKEN)
    shown = printed(report)
    assert "[red]�[2JBearer (the token)" in shown
    assert TOKEN not in shown + as_json(report)
    assert "\x1b" not in shown


def test_ctrl_c_cleans_up_and_fails(tmp_path: Path) -> None:
    script(tmp_path, create(), step(), create())
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
