"""`headcount import`: people of a file, made or changed as if each had been asked for by hand."""

import csv
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from headcount.people_files import UnreadableError, read_people
from tests.postgres import PostgresServer
from tests.stage import PASSWORD, Terminal, surroundings

MANY = 2_000


@pytest.fixture
def at(tmp_path: Path, engine: str, postgres: PostgresServer) -> Terminal:
    """A terminal on an installation with the workspace acme, which Alice owns."""
    url = postgres.url(postgres.database()) if engine == "postgresql" else f"sqlite:///{tmp_path}/headcount.sqlite3"
    made = Terminal(tmp_path, surroundings() | {"HEADCOUNT_DATABASE_URL": url})
    made.said("migrate")
    made.said(
        *("workspace", "create", "acme", "--name", "Acme", "--plan", "enterprise"),
        *("--owner-email", "alice@acme.example", "--owner-name", "Alice Archer"),
        HEADCOUNT_OWNER_PASSWORD=PASSWORD,
    )
    return made


only_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)  # where the engine makes no difference


def imported(at: Terminal, file: str, *words: str, status: int = 0) -> tuple[str, list[list[str]]]:
    """The last thing that the command says, and its report."""
    done = at.cli("import", "acme", file, "--report", "report.csv", *words, check=False)
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    with (at.folder / "report.csv").open(newline="") as report:
        titles, *rows = csv.reader(report)
    assert titles == ["line", "userName", "outcome", "why"]
    return done.stderr.splitlines()[-1], rows


def people(at: Terminal) -> dict[str, list[str]]:
    """What `user list` shows, by userName."""
    lines = at.said("user", "list", "acme").stdout.splitlines()[1:]
    cells = [re.split(r"\s{2,}", line.strip()) for line in lines]
    return {user_name: rest for _, user_name, *rest in cells}


def test_people_are_made_and_changed_and_who_is_refused_is_told_and_keeps_nobody_else_out(at: Terminal) -> None:
    (at.folder / "people.csv").write_text(
        "\ufeffuserName,email,displayName,title,role,active\n"
        'bob@acme.example,bob@acme.example,"Bob Baker, Jr.",,,\n'
        "alice@acme.example,,Alicia Archer,,,\n"
        "carol@acme.example,carol@acme.example,Carol Cole,Cook,admin,\n"
        "CAROL@acme.example,,,,,\n"
        "dave@acme.example,,,,emperor,\n"
        "  ,,,,,\n"
        "bob@acme.example2,,,,,perhaps\n"
        "eve@acme.example,eve@acme.example,Eve Evans,,,FALSE\n"
    )
    told = "acme: 3 created, 1 updated, 0 unchanged, 4 refused"
    expected = [
        ["2", "bob@acme.example", "created", ""],
        ["3", "alice@acme.example", "updated", ""],
        ["4", "carol@acme.example", "created", ""],
        ["5", "CAROL@acme.example", "refused", "it has the same userName as line 4"],
        ["6", "", "refused", "role must be one of owner, admin, member, not 'emperor'"],
        ["7", "  ", "refused", "user_name must contain a visible character"],
        ["8", "", "refused", "active must be true or false, not 'perhaps'"],
        ["9", "eve@acme.example", "created", ""],
    ]
    before = people(at)
    assert imported(at, "people.csv", "--dry-run", status=1) == (
        f"{told}; nothing was done, as this was a dry run.",
        expected,
    )
    assert people(at) == before
    assert imported(at, "people.csv", status=1) == (f"{told}.", expected)
    after = people(at)
    assert after == {
        "alice@acme.example": ["Alicia Archer", "alice@acme.example", "owner", "active", "workspace"],
        "bob@acme.example": ["Bob Baker, Jr.", "bob@acme.example", "member", "active", "workspace"],
        "carol@acme.example": ["Carol Cole", "carol@acme.example", "admin", "active", "workspace"],
        "eve@acme.example": ["Eve Evans", "eve@acme.example", "member", "inactive", "workspace"],
    }
    again, _ = imported(at, "people.csv", status=1)
    assert again == "acme: 0 created, 0 updated, 4 unchanged, 4 refused."
    assert people(at) == after


def test_json_lines_say_what_a_table_cannot(at: Terminal) -> None:
    emails = [{"value": "z@acme.example", "type": "home"}, {"value": "zoe@acme.example", "primary": True}]
    lines: list[Any] = [
        {"userName": "zoe", "emails": emails, "department": "R&D", "active": True},
        {"email": "yan@acme.example"},
        {"userName": "bob", "emails": 7},
        ["bob"],
        {"userName": "bob", "nickname": "Bobby"},
        {"userName": "zoe@acme.example"},
        {"email": "bob@acme.example", "emails": []},
    ]
    texts = [*map(json.dumps, lines), "", '{"userName": "bob"']
    (at.folder / "people.jsonl").write_text("\n".join(texts))
    _, rows = imported(at, "people.jsonl", status=1)
    whys = {number: why for number, _, outcome, why in rows if outcome == "refused"}
    assert [number for number, _, outcome, _ in rows if outcome == "created"] == ["1", "2"]
    assert whys.keys() == {"3", "4", "5", "6", "7", "9"}
    assert "emails" in whys["3"]
    assert whys["4"] == "it must be a JSON object"
    assert whys["5"].startswith("it has 'nickname'; there can be email, userName, ")
    assert "zoe@acme.example" in whys["6"]  # whose address it is
    assert whys["7"] == "it may have email or emails, not both"
    assert whys["9"].startswith("it is no JSON: ")
    assert people(at)["zoe"][1] == "zoe@acme.example"


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("people.xlsx", b"", "people.xlsx must end in .csv or .jsonl: that says how it is read"),
        ("people.csv", b"userName,e-mail\n", "people.csv has the column 'e-mail'; there can be email, userName, "),
        ("people.csv", b"userName,emails\n", "people.csv has the column 'emails'; there can be email, userName, "),
        ("people.csv", b"userName,userName\n", "people.csv has a column twice"),
        ("people.csv", b"userName\n\xff\n", "people.csv is not in UTF-8: save it so"),
        ("people.jsonl", b'{"userName": "\xff"}', "people.jsonl is not in UTF-8: save it so"),
        ("people.csv", b'userName\n"bob', "people.csv is no CSV: "),
        ("nobody.csv", None, "nobody.csv cannot be read: No such file or directory"),
    ],
)
def test_a_file_of_no_use_is_refused_as_a_whole(tmp_path: Path, name: str, content: bytes | None, why: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableError) as refused:
        list(read_people(tmp_path / name))
    assert str(refused.value).removeprefix(f"{tmp_path}/").startswith(why)


@only_sqlite
@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["acme", "people.txt"], "people.txt must end in .csv or .jsonl: that says how it is read"),
        (["acme", "people.csv", "--report", "no/report.csv"], "no/report.csv cannot be written: No such file or"),
        (["nobody", "people.csv"], "there is no workspace 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line_and_nothing_is_done(at: Terminal, words: list[str], why: str) -> None:
    (at.folder / "people.csv").write_text("userName\nbob\n")
    done = at.cli("import", *words, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"headcount: {why}")
    assert list(people(at)) == ["alice@acme.example"]


def test_a_row_with_cells_too_many_or_too_few_is_of_no_use(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("userName,title\nbob,Cook\ncarol\ndave,Cook,Chief\n")
    lines = list(read_people(tmp_path / "people.csv"))
    assert [line.why for line in lines] == [None, *["it must have as many cells as the header"] * 2]


def test_killed_it_goes_on_where_it_was(at: Terminal) -> None:
    rows = [f"p{number:05}@acme.example,Pat {number}" for number in range(MANY)]
    (at.folder / "people.csv").write_text("\n".join(["userName,displayName", *rows]))
    words = [sys.executable, "-m", "headcount", "import", "acme", "people.csv", "--report", "cut-short.csv"]
    killed = subprocess.Popen(words, cwd=at.folder, env=at.env, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    report = at.folder / "cut-short.csv"
    while "created" not in (report.read_text() if report.exists() else "") and time.monotonic() < deadline:
        time.sleep(0.002)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    kept = len(people(at)) - 1
    assert 0 < kept < MANY
    told, rest = imported(at, "people.csv")
    assert told == f"acme: {MANY - kept:,} created, 0 updated, {kept:,} unchanged, 0 refused."
    assert [outcome for *_, outcome, _ in rest].count("unchanged") == kept
    assert len(people(at)) == MANY + 1
