"""`headcount staff …`."""

from typing import Annotated

import typer

from headcount.cli.terminal import (
    day,
    err,
    failure,
    in_workspace,
    print_table,
    read_password,
    settings_of_process,
    with_work,
)
from service.actor import Actor
from service.staff import add_staff
from service.users.commands import deactivate_user
from service.users.fields import primary_email, shown_name
from service.users.queries import all_users
from service.work import Work
from service.workspaces import STAFF_SUBDOMAIN

app = typer.Typer(no_args_is_help=True, help="Support staff, who sign in at the subdomain `support`.")


@app.command()
def create(
    email: Annotated[str, typer.Option(help="The person's e-mail address, which is the userName too.")],
    name: Annotated[
        str | None, typer.Option(help="Given and family name; guessed from the address if left out.")
    ] = None,
) -> None:
    """Add a member of staff; the password comes from HEADCOUNT_STAFF_PASSWORD or a prompt."""
    settings = settings_of_process()
    password = read_password("STAFF_PASSWORD", email)
    user = with_work(settings, lambda work, hasher: add_staff(work, hasher, email=email, name=name, password=password))
    err.print(f"{shown_name(user)} signs in at {settings.workspace_url(STAFF_SUBDOMAIN)} as {email}.")


@app.command()
def deactivate(email: Annotated[str, typer.Argument(help="The address that the person signs in with.")]) -> None:
    """End the access and the sessions of a member of staff, at once."""

    async def act(work: Work, actor: Actor) -> None:
        found = [user for user in await work.read(actor, all_users) if user.user_name == email]
        if not found:
            raise failure(f"nobody of the staff signs in as {email!r}; `headcount staff list` shows who does")
        await work.write(actor, deactivate_user, found[0].id)

    in_workspace(STAFF_SUBDOMAIN, lambda work, _, actor: act(work, actor))
    err.print(f"{email} has no access any more.")


@app.command("list")
def list_() -> None:
    """List the staff."""
    print_table(
        ["name", "e-mail", "status", "since"],
        [
            (shown_name(user), primary_email(user) or "", "active" if user.active else "inactive", day(user.created_at))
            for user in in_workspace(STAFF_SUBDOMAIN, lambda work, _, actor: work.read(actor, all_users))
        ],
    )
