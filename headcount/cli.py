"""The `headcount` command: what the operator of an installation does from a terminal."""

import asyncio
import getpass
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headcount.refusals import sentence
from headcount.rehearsal.player import rehearse as play_rehearsal
from headcount.settings import PREFIX, Settings, load_settings
from service.actor import Actor, support
from service.api_keys import ApiKeyScope, create_api_key, list_api_keys, revoke_api_key, status_of
from service.clock import now
from service.flags import Flag, list_flags, set_flag
from service.passwords import PasswordHasher
from service.refusals import Refused
from service.store.opening import UnusableDatabaseError, open_engine, open_store
from service.store.schema import migrate as migrate_schema
from service.tokens import Seal
from service.users.fields import primary_email, shown_name
from service.users.queries import all_users
from service.work import Work
from service.workspaces import Plan, all_workspaces, find_workspace

T = TypeVar("T")

_VARIABLES = "\n\n".join(
    f"{PREFIX}{name.upper()}: {field.description} (default: {field.default or 'none'})"
    for name, field in Settings.model_fields.items()
    if name != "secret_key"
)
_SETTINGS_HELP = (
    "Settings come from environment variables, else from the file that HEADCOUNT_SETTINGS_FILE names (headcount.env):"
    f"\n\n{_VARIABLES}\n\n{PREFIX}SECRET_KEY: {Settings.model_fields['secret_key'].description} (no default; "
    "development makes one in var/)"
)

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, help="User management over GraphQL, provisioning over SCIM."
)
workspace_app = typer.Typer(no_args_is_help=True, help="Workspaces: the product's customers.")
flag_app = typer.Typer(no_args_is_help=True, help="Workspace flags, which only support sets.")
key_app = typer.Typer(no_args_is_help=True, help="API keys of a workspace.")
user_app = typer.Typer(no_args_is_help=True, help="People of a workspace.")
app.add_typer(workspace_app, name="workspace")
app.add_typer(flag_app, name="flag")
app.add_typer(key_app, name="api-key")
app.add_typer(user_app, name="user")

_NO_TERMINAL_WIDTH = 400  # characters: whatever reads a pipe is not helped by folded lines

out = Console()
err = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)

Subdomain = Annotated[str, typer.Argument(help="The workspace's subdomain.", show_default=False)]


class PlanName(StrEnum):
    """Plans, as the command line spells them."""

    ESSENTIAL = "essential"
    STANDARD = "standard"
    PREMIUM = "premium"
    ENTERPRISE = "enterprise"


class ScopeName(StrEnum):
    """Scopes of an API key, as the command line spells them."""

    SCIM = "scim"


class Switch(StrEnum):
    """A flag's value."""

    ON = "on"
    OFF = "off"


@app.command(epilog=_SETTINGS_HELP)
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, in place of HEADCOUNT_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, in place of HEADCOUNT_PORT.")] = None,
    sample: Annotated[bool, typer.Option(help="Make the sample workspace `acme` if there is none.")] = False,
) -> None:
    """Migrate the database and serve both doors until interrupted; SIGTERM lets running requests end first."""
    from headcount.server import serve as run_server  # the doors take a while to load, and other commands need none

    run_server(_settings(host=host, port=port), sample=sample)


@app.command()
def migrate() -> None:
    """Bring the database to the shape this version needs. Running it again changes nothing."""
    before, after = migrate_schema(open_engine(_settings().database_url))
    err.print(f"The database is at revision {after}" + (" already." if before == after else "."))


@app.command("print-schema", hidden=True)
def print_schema() -> None:
    """Print the GraphQL schema."""
    from graphql_facade.schema import printed_schema

    typer.echo(printed_schema(), nl=False)


@app.command()
def rehearse(
    provider: Annotated[str, typer.Argument(help="The identity provider to play: okta.")],
    base_url: Annotated[str, typer.Option(help="The SCIM base URL, as it is pasted into the provider.")],
    token: Annotated[str, typer.Option(help="The API key.", envvar="HEADCOUNT_REHEARSAL_TOKEN")],
) -> None:
    """Send the requests that an identity provider sends, and check every answer. Leaves nobody behind.

    Exit status 1 when a step that the provider needs has failed.
    """
    try:
        passed = play_rehearsal(provider, base_url, token, out)
    except ValueError as error:
        raise _fail(str(error)) from None
    raise typer.Exit(0 if passed else 1)


@workspace_app.command("create")
def workspace_create(
    subdomain: Subdomain,
    name: Annotated[str, typer.Option(help="The customer's name.")],
    plan: Annotated[PlanName, typer.Option(help="What the customer pays for.")],
    owner_email: Annotated[str, typer.Option(help="The first owner's e-mail address, which is the userName too.")],
    owner_name: Annotated[
        str | None, typer.Option(help="The owner's given and family name; guessed from the address if left out.")
    ] = None,
) -> None:
    """Create a workspace and its first owner; the password comes from HEADCOUNT_OWNER_PASSWORD or a prompt."""
    from service.founding import found_workspace

    async def act(work: Work, hasher: PasswordHasher) -> None:
        await found_workspace(
            work,
            hasher,
            subdomain=subdomain,
            name=name,
            plan=Plan[plan.name],
            owner_email=owner_email,
            owner_name=owner_name,
            password=password,
        )

    settings = _settings()
    password = os.environ.get(f"{PREFIX}OWNER_PASSWORD") or getpass.getpass(f"Password for {owner_email}: ")
    _with_work(settings, act)
    err.print(f"Workspace {subdomain} is at {settings.workspace_url(subdomain)}; {owner_email} owns it.")


@workspace_app.command("list")
def workspace_list() -> None:
    """List all workspaces."""
    settings = _settings()
    found = _with_work(settings, lambda work, _: work.lookup(all_workspaces))
    _print(
        ["subdomain", "name", "plan", "created", "SCIM base URL"],
        [
            (
                each.subdomain,
                each.name,
                each.plan.lower(),
                _day(each.created_at),
                settings.scim_base_url(each.subdomain),
            )
            for each in found
        ],
    )


@flag_app.command("set")
def flag_set(
    subdomain: Subdomain,
    flag: Annotated[Flag, typer.Argument(help="The flag's key.")],
    value: Annotated[Switch, typer.Argument(help="What to set it to.")],
    reason: Annotated[str, typer.Option(help="Why; the workspace's audit log shows it.")],
) -> None:
    """Override a flag for one workspace."""
    state = _in_workspace(
        subdomain, lambda work, actor: work.write(actor, set_flag, flag, enabled=value is Switch.ON, reason=reason)
    )
    err.print(f"{state.flag} is {'on' if state.enabled else 'off'} for {subdomain}.")


@flag_app.command("list")
def flag_list(subdomain: Subdomain) -> None:
    """List a workspace's flags and where their values come from."""
    states = _in_workspace(subdomain, lambda work, actor: work.read(actor, list_flags))
    _print(
        ["flag", "value", "from", "reason", "what it switches"],
        [
            (
                s.flag,
                "on" if s.enabled else "off",
                s.source.lower(),
                s.override.reason if s.override else "",
                s.description,
            )
            for s in states
        ],
    )


@key_app.command("create")
def key_create(
    subdomain: Subdomain,
    name: Annotated[str, typer.Option(help='What the key is for, such as "Okta SCIM Integration".')],
    scope: Annotated[list[ScopeName], typer.Option(help="What the key may do; repeat for several.")],
    expires_in: Annotated[str | None, typer.Option(help="Such as 90d or 12h; never if left out.")] = None,
) -> None:
    """Create an API key. The secret alone goes to standard output, once: it cannot be shown again."""
    expires_at = now() + _duration(expires_in) if expires_in is not None else None
    scopes = [ApiKeyScope[each.name] for each in scope]
    key, secret = _in_workspace(
        subdomain,
        lambda work, actor: work.write(actor, create_api_key, name=name, scopes=scopes, expires_at=expires_at),
    )
    err.print(f"{key.id} ({key.name}), expires {_day(key.expires_at) or 'never'}. This is its only showing:")
    typer.echo(secret)


@key_app.command("list")
def key_list(subdomain: Subdomain) -> None:
    """List a workspace's API keys, the newest first."""
    keys = _in_workspace(subdomain, lambda work, actor: work.read(actor, list_api_keys))
    _print(
        ["id", "name", "key", "scopes", "status", "created", "expires", "last used"],
        [
            (
                k.id,
                k.name,
                k.hint,
                " ".join(k.scopes).lower(),
                status_of(k).lower(),
                _day(k.created_at),
                _day(k.expires_at) or "never",
                _moment(k.last_used_at) or "never",
            )
            for k in keys
        ],
    )


@key_app.command("revoke")
def key_revoke(
    subdomain: Subdomain, key_id: Annotated[str, typer.Argument(help="The key's id, from `api-key list`.")]
) -> None:
    """End an API key for good, at once."""
    key = _in_workspace(subdomain, lambda work, actor: work.write(actor, revoke_api_key, key_id))
    err.print(f"{key.id} ({key.name}) is revoked.")


@user_app.command("list")
def user_list(subdomain: Subdomain) -> None:
    """List a workspace's people in the order they came."""
    users = _in_workspace(subdomain, lambda work, actor: work.read(actor, all_users))
    _print(
        ["id", "userName", "name", "e-mail", "role", "status", "managed by"],
        [
            (
                u.id,
                u.user_name,
                shown_name(u),
                primary_email(u) or "",
                u.role.lower(),
                "active" if u.active else "inactive",
                u.managed_by.lower(),
            )
            for u in users
        ],
    )


def main() -> None:
    """Run the command; refusals and wrong settings end in one sentence and exit status 1."""
    try:
        app()
    except Refused as refused:
        sys.exit(f"headcount: {sentence(refused.reason)}")
    except UnusableDatabaseError as unusable:
        sys.exit(f"headcount: {unusable}")


def _settings(**given: object) -> Settings:
    try:
        return load_settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        wrong = error.errors()[0]
        name = f"{PREFIX}{str(wrong['loc'][0]).upper()}: " if wrong["loc"] else ""
        raise _fail(name + wrong["msg"].removeprefix("Value error, ")) from None
    except (OSError, UnicodeDecodeError) as error:
        raise _fail(f"the settings file cannot be read: {error}") from None


def _fail(why: str) -> SystemExit:
    return SystemExit(f"headcount: {why}")


def _with_work(settings: Settings, act: Callable[[Work, PasswordHasher], Awaitable[T]]) -> T:
    async def acting() -> T:
        work = Work(open_store(settings.database_url), Seal(settings.secret_key.get_secret_value()))
        hasher = PasswordHasher()
        try:
            return await act(work, hasher)
        finally:
            hasher.close()
            await work.close()

    return asyncio.run(acting())


def _in_workspace(subdomain: str, act: Callable[[Work, Actor], Awaitable[T]]) -> T:
    async def acting(work: Work, _: PasswordHasher) -> T:
        workspace = await work.lookup(find_workspace, subdomain)
        if workspace is None:
            raise _fail(f"there is no workspace {subdomain!r}; `headcount workspace list` shows which there are")
        return await act(work, support(workspace.id, name=f"{_operator()} (command line)"))

    return _with_work(_settings(), acting)


def _operator() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that no account has
        return f"uid {os.getuid()}"


def _duration(text: str) -> timedelta:
    units = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
    number, unit = text[:-1], units.get(text[-1:])
    if unit is None or not (number.isascii() and number.isdigit()) or int(number) == 0 or len(number) > 5:
        raise _fail(f"{text!r} is no duration; write 90d, 12h, 30m or 10s")
    return timedelta(**{unit: int(number)})


def _print(titles: list[str], rows: list[tuple[str, ...]]) -> None:
    table = Table(*titles, box=None, header_style="bold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    wide = out if out.is_terminal else Console(width=_NO_TERMINAL_WIDTH)
    wide.print(table)


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else ""


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else ""
