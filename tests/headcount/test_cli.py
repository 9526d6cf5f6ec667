"""What the operator of an installation does from a terminal; each command runs in a process of its own."""

import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from headcount.cli.terminal import duration
from tests.stage import PASSWORD, Terminal, surroundings

STRONG = "0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A terminal on an installation with the workspace acme, which Alice owns."""
    made = Terminal(tmp_path_factory.mktemp("terminal"), surroundings())
    made.cli("migrate")
    made.cli(*CREATE_ACME, HEADCOUNT_OWNER_PASSWORD=PASSWORD)
    return made


CREATE_ACME = (
    *("workspace", "create", "acme", "--name", "Acme [Ltd]", "--plan", "enterprise"),
    *("--owner-email", "alice@acme.example", "--owner-name", "Alice Archer"),
)


def refused(at: Terminal, *words: str, **env: str) -> str:
    """Why a command is refused: one line on standard error, nothing on standard output, exit status 1."""
    done = at.cli(*words, check=False, **env)
    assert (done.returncode, done.stdout) == (1, ""), done
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("headcount: ")
    return line.removeprefix("headcount: ")


def misused(at: Terminal, *words: str) -> str:
    """What a command that cannot be read is answered: exit status 2 and the usage."""
    done = at.cli(*words, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert "Usage:" in done.stderr
    return done.stderr


def rows(at: Terminal, *words: str) -> list[list[str]]:
    """The cells of a table, its titles aside."""
    done = at.cli(*words)
    assert done.stderr == ""
    return [re.split(r"\s{2,}", line.strip()) for line in done.stdout.splitlines()[1:]]


def test_migrating_twice_or_from_two_terminals_at_once_is_migrating_once(tmp_path: Path) -> None:
    at = Terminal(tmp_path, surroundings())
    assert "run `headcount migrate` first" in refused(at, "workspace", "list")
    words = [sys.executable, "-m", "headcount", "migrate"]
    both = [subprocess.Popen(words, cwd=tmp_path, env=at.env, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
        assert "at revision" in said
    assert "already" in at.cli("migrate").stderr
    assert rows(at, "workspace", "list") == []


def test_a_workspace_is_created_with_an_owner_and_listed(acme: Terminal) -> None:
    ((subdomain, name, plan, created, base_url),) = rows(acme, "workspace", "list")
    assert (subdomain, name, plan) == ("acme", "Acme [Ltd]", "enterprise")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", created)
    assert base_url == "http://acme.api.localhost:8000/api/scim/v2"
    alice = rows(acme, "user", "list", "acme")[0]
    assert alice[0].startswith("usr_")
    assert alice[1:] == ["alice@acme.example", "Alice Archer", "alice@acme.example", "owner", "active", "workspace"]


def test_a_workspace_that_cannot_be_is_refused_and_leaves_nothing(acme: Terminal) -> None:
    before = acme.cli("workspace", "list").stdout

    def create(subdomain: str, password: str = PASSWORD) -> str:
        named = ("--name", "Initech", "--plan", "standard", "--owner-email", "o@initech.example")
        words = ("workspace", "create", subdomain, *named)
        return refused(acme, *words, HEADCOUNT_OWNER_PASSWORD=password)

    assert create("my_company").startswith("subdomain must be a DNS label")
    assert create("acme") == "subdomain 'acme' is already in use"
    assert create("initech", password="too short") == "password must have 15 to 1,024 characters"
    assert acme.cli("workspace", "list").stdout == before


def test_without_a_password_and_a_terminal_to_ask_on_nothing_is_made(acme: Terminal) -> None:
    words = [sys.executable, "-m", "headcount", *CREATE_ACME]
    done = subprocess.run(
        words, cwd=acme.folder, env=acme.env, capture_output=True, text=True, input="", start_new_session=True
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_people_who_can_sign_in_are_added(acme: Terminal) -> None:
    words = ("user", "create", "acme", "--email", "bob.baker@acme.example", "--role", "admin")
    said = acme.cli(*words, HEADCOUNT_USER_PASSWORD=PASSWORD)
    assert said.stdout == ""
    bob = rows(acme, "user", "list", "acme")[1]
    assert said.stderr.startswith(bob[0])
    assert bob[1:5] == ["bob.baker@acme.example", "Bob Baker", "bob.baker@acme.example", "admin"]
    again = refused(acme, *words, HEADCOUNT_USER_PASSWORD=PASSWORD)
    assert again.startswith("user_name 'bob.baker@acme.example' is already the userName of another person")


def test_a_flag_is_set_with_a_reason_and_listed_with_its_source(acme: Terminal) -> None:
    ((*before, switches),) = rows(acme, "flag", "list", "acme")
    assert before == ["scim_provisioning", "off", "plan"]
    assert switches.startswith("An identity provider may")
    on = acme.cli("flag", "set", "acme", "scim_provisioning", "on", "--reason", "bought [bold]SCIM")
    assert (on.stdout, on.stderr) == ("", "scim_provisioning is on for acme.\n")
    ((*after, _),) = rows(acme, "flag", "list", "acme")
    assert after == ["scim_provisioning", "on", "override", "bought [bold]SCIM"]
    assert "--reason" in misused(acme, "flag", "set", "acme", "scim_provisioning", "off")
    assert refused(acme, "flag", "set", "acme", "scim_provisioning", "off", "--reason", " ").startswith("reason must")
    assert "scim_provisioning" in misused(acme, "flag", "set", "acme", "scim", "on", "--reason", "x")
    ((*unchanged, _),) = rows(acme, "flag", "list", "acme")
    assert unchanged == after


def test_a_key_s_secret_is_alone_on_standard_output_and_never_shown_again(acme: Terminal) -> None:
    words = ("api-key", "create", "acme", "--name", "Okta [new]", "--scope", "scim")
    made = acme.cli(*words, "--expires-in", "90d")
    assert re.fullmatch(r"hc_scim_[0-9A-Za-z]{49}\n", made.stdout)
    secret = made.stdout.strip()
    assert secret not in made.stderr
    key_id = made.stderr.split()[0]
    assert "(Okta [new]), expires 20" in made.stderr
    (newest, *_) = listed = rows(acme, "api-key", "list", "acme")
    assert newest[0] == key_id
    assert newest[1:5] == ["Okta [new]", f"hc_scim_…{secret[-4:]}", "scim", "active"]
    assert newest[6].startswith("20")
    assert newest[7] == "never"
    assert secret not in repr(listed)

    revoked = acme.cli("api-key", "revoke", "acme", key_id)
    assert (revoked.stdout, revoked.stderr) == ("", f"{key_id} (Okta [new]) is revoked.\n")
    assert rows(acme, "api-key", "list", "acme")[0][4] == "revoked"
    assert refused(acme, "api-key", "revoke", "acme", "key_0") == "there is no ApiKey 'key_0' in this workspace"


def test_a_key_is_replaced_for_the_same_scopes(acme: Terminal) -> None:
    scopes = ("--scope", "users:read", "--scope", "scim")
    made = acme.cli("api-key", "create", "acme", "--name", "Both", *scopes)
    key_id = made.stderr.split()[0]
    rotated = acme.cli("api-key", "rotate", "acme", key_id, "--overlap", "7d")
    assert re.fullmatch(r"hc_scim_[0-9A-Za-z]{49}\n", rotated.stdout)
    assert f"(Both) replaces {key_id}" in rotated.stderr
    newest, old = rows(acme, "api-key", "list", "acme")[:2]
    assert (newest[3:5], old[3:5]) == (["scim users:read", "active"], ["scim users:read", "rotating"])
    assert "only an active one can be replaced" in refused(acme, "api-key", "rotate", "acme", key_id)


def test_keys_that_cannot_be_are_refused(acme: Terminal) -> None:
    words = ("api-key", "create", "acme", "--scope", "scim", "--name")
    assert refused(acme, *words, os.fsdecode(b"\xff")) == "name must not contain a lone surrogate"
    # An unset variable in `--expires-in "$TTL"` must not make a key that never expires.
    assert "is no duration; write 90d, 12h" in refused(acme, *words, "Okta", "--expires-in", "")
    assert "'everything' is not" in misused(acme, "api-key", "create", "acme", "--name", "x", "--scope", "everything")


@pytest.mark.parametrize(
    ("text", "length"), [("90d", timedelta(90)), ("12h", timedelta(0.5)), ("30m", timedelta(minutes=30))]
)
def test_a_duration_has_a_number_and_a_unit(text: str, length: timedelta) -> None:
    assert duration(text) == length


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "0d", "1y", "999999d", "1.5h", "²d", " 1d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(SystemExit, match="is no duration"):
        duration(text)


def test_a_workspace_that_there_is_not_is_named(acme: Terminal) -> None:
    why = refused(acme, "user", "list", "initech")
    assert why == "there is no workspace 'initech'; `headcount workspace list` shows which there are"


def test_settings_that_cannot_be_are_said_in_one_line(tmp_path: Path) -> None:
    at = Terminal(tmp_path, surroundings())
    listing = ("workspace", "list")
    production = {"HEADCOUNT_ENVIRONMENT": "production", "HEADCOUNT_BASE_DOMAIN": "product.example"}
    assert "HEADCOUNT_SECRET_KEY is missing or weak" in refused(at, *listing, **production)
    assert "HEADCOUNT_SECRET_KEY" in refused(at, *listing, **production, HEADCOUNT_SECRET_KEY="a" * 40)
    no_domain = {"HEADCOUNT_ENVIRONMENT": "production", "HEADCOUNT_SECRET_KEY": STRONG}
    assert "HEADCOUNT_BASE_DOMAIN is not set" in refused(at, *listing, **no_domain)
    assert refused(at, *listing, HEADCOUNT_ENVIRONMENT="prod").startswith("HEADCOUNT_ENVIRONMENT: ")
    assert refused(at, *listing, HEADCOUNT_PORT="http").startswith("HEADCOUNT_PORT: ")
    assert "'missing.env'" in refused(at, *listing, HEADCOUNT_SETTINGS_FILE="missing.env")
    assert not (tmp_path / "var").exists()


def test_a_database_that_cannot_be_used_is_said_in_one_line(tmp_path: Path) -> None:
    at = Terminal(tmp_path, surroundings())
    (tmp_path / "letter").write_text("Dear Alice, " * 1_000)
    why = refused(at, "migrate", HEADCOUNT_DATABASE_URL="sqlite:///letter")
    assert why.startswith("The database sqlite:///letter cannot be opened")
    assert refused(at, "user", "list", "x", HEADCOUNT_DATABASE_URL="mysql://h/x").startswith(
        "The database URL must name"
    )


def test_help_is_enough_to_begin_with(acme: Terminal) -> None:
    said = acme.cli("--help").stdout
    for command in ("serve", "migrate", "rehearse", "workspace", "flag", "api-key", "user"):
        assert command in said
    assert "print-schema" not in said
