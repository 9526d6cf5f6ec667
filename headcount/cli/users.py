"""`headcount user …`."""

from enum import StrEnum
from typing import Annotated

import typer

from headcount.cli.terminal import Subdomain, err, in_workspace, print_table, read_password
from service.actor import Actor, Role
from service.founding import create_who_signs_in, person_fields
from service.passwords import PasswordHasher
from service.unit_of_work import UnitOfWork
from service.users.fields import User, primary_email, shown_name
from service.users.queries import all_users
from service.work import Work

app = typer.Typer(no_args_is_help=True, help="People of a workspace.")


class RoleName(StrEnum):
    """Roles, as the command line spells them."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


@app.command()
def create(
    subdomain: Subdomain,
    email: Annotated[str, typer.Option(help="The person's e-mail address, which is the userName too.")],
    role: Annotated[RoleName, typer.Option(help="What the person may do.")] = RoleName.MEMBER,
    name: Annotated[
        str | None, typer.Option(help="Given and family name; guessed from the address if left out.")
    ] = None,
) -> None:
    """Add a person who can sign in; the password comes from HEADCOUNT_USER_PASSWORD or a prompt."""
    password = read_password("USER_PASSWORD", email)

    async def act(work: Work, hasher: PasswordHasher, actor: Actor) -> User:
        password_hash = await hasher.hash(password)

        def add(uow: UnitOfWork) -> User:
            fields = person_fields(email, name, family_name=subdomain.title())
            return create_who_signs_in(uow, fields, role=Role[role.name], password_hash=password_hash)

        return await work.write(actor, add)

    user = in_workspace(subdomain, act)
    err.print(f"{user.id} ({shown_name(user)}) is {role.value} of {subdomain}.")


@app.command("list")
def list_(subdomain: Subdomain) -> None:
    """List a workspace's people in the order they came."""
    print_table(
        ["id", "userName", "name", "e-mail", "role", "status", "managed by"],
        [
            (
                user.id,
                user.user_name,
                shown_name(user),
                primary_email(user) or "",
                user.role.lower(),
                "active" if user.active else "inactive",
                user.managed_by.lower(),
            )
            for user in in_workspace(subdomain, lambda work, _, actor: work.read(actor, all_users))
        ],
    )
