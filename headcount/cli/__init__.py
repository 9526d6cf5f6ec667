"""The `headcount` command: what the operator of an installation does from a terminal."""

import asyncio
import contextlib
import os
import signal
import sys
from typing import Annotated

import typer

from headcount.carriers import carrier_of
from headcount.cli import api_keys, copying, flags, importing, staff, users, workspaces
from headcount.cli.terminal import err, failure, out, settings_of_process
from headcount.logs import set_up_logs
from headcount.opening import open_work
from headcount.refusals import sentence
from headcount.rehearsal.player import rehearse as play_rehearsal
from headcount.settings import PREFIX, Settings
from service.background import duties, keep_doing
from service.mail.carrier import Postman
from service.refusals import Refused
from service.store.opening import UnusableDatabaseError, open_engine
from service.store.schema import migrate as migrate_schema


def _shown(default: object) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default) if default != "" else "none"


_VARIABLES = "\n\n".join(
    f"{PREFIX}{name.upper()}: {field.description} (default: {_shown(field.default)})"
    for name, field in Settings.model_fields.items()
    if name != "secret_key"
)
_SETTINGS_HELP = (
    "Settings come from environment variables, else from the file that HEADCOUNT_SETTINGS_FILE names (headcount.env):"
    f"\n\n{_VARIABLES}\n\n{PREFIX}SECRET_KEY: {Settings.model_fields['secret_key'].description} (no default; "
    "development makes one in var/)"
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="User management over GraphQL, provisioning over SCIM.",
)
app.add_typer(workspaces.app, name="workspace")
app.add_typer(flags.app, name="flag")
app.add_typer(api_keys.app, name="api-key")
app.add_typer(users.app, name="user")
app.add_typer(staff.app, name="staff")
app.command("import")(importing.import_)
app.command("copy")(copying.copy)


@app.command(epilog=_SETTINGS_HELP)
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, in place of HEADCOUNT_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, in place of HEADCOUNT_PORT.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes, in place of HEADCOUNT_WORKERS.")] = None,
    sample: Annotated[bool, typer.Option(help="Make the sample workspace `acme` if there is none.")] = False,
) -> None:
    """Serve both doors until interrupted; SIGTERM lets running requests end first.

    An SQLite database is migrated first; for PostgreSQL run `headcount migrate`.
    """
    for name, value in {"HOST": host, "PORT": port, "WORKERS": workers}.items():
        if value is not None:
            os.environ[PREFIX + name] = str(value)  # for the processes that serve as well
    from headcount.server import serve as run_server  # the doors take a while to load, and other commands need none

    run_server(settings_of_process(), sample=sample)


@app.command()
def worker() -> None:
    """Do the background work until interrupted, for servers that run with HEADCOUNT_BACKGROUND=false.

    Any number may run: one at a time is at work, and another takes over within seconds when it stops or dies.
    """
    settings = settings_of_process()
    set_up_logs(development=settings.is_development)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_until_told_to_stop(settings))


async def _until_told_to_stop(settings: Settings) -> None:
    work = open_work(settings)
    postman = Postman(work, carrier_of(settings))
    task = asyncio.ensure_future(keep_doing(work, duties(postman.carry, audit_days=settings.audit_days)))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    finally:
        await postman.close()
        await work.close()


@app.command()
def migrate() -> None:
    """Bring the database to the shape this version needs. Running it again changes nothing."""
    before, after = migrate_schema(open_engine(settings_of_process().database_url))
    err.print(f"The database is at revision {after}" + (" already." if before == after else "."))


@app.command("print-schema", hidden=True)
def print_schema() -> None:
    """Print the GraphQL schema."""
    from graphql_facade.schema import printed_schema

    typer.echo(printed_schema(), nl=False)


@app.command()
def rehearse(
    provider: Annotated[
        str, typer.Argument(help="The identity provider to play: okta, entra, onelogin, jumpcloud or google.")
    ],
    base_url: Annotated[str, typer.Option(help="The SCIM base URL, as it is pasted into the provider.")],
    token: Annotated[str, typer.Option(help="The API key.", envvar="HEADCOUNT_REHEARSAL_TOKEN")],
) -> None:
    """Send the requests that an identity provider sends, and check every answer. Leaves nobody behind.

    Exit status 1 when a step that the provider needs has failed.
    """
    try:
        passed = play_rehearsal(provider, base_url, token, out)
    except ValueError as error:
        raise failure(str(error)) from None
    raise typer.Exit(0 if passed else 1)


def main() -> None:
    """Run the command; refusals and wrong settings end in one sentence and exit status 1."""
    try:
        app()
    except Refused as refused:
        sys.exit(f"headcount: {sentence(refused.reason)}")
    except UnusableDatabaseError as unusable:
        sys.exit(f"headcount: {unusable}")
