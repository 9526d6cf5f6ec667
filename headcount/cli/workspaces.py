"""`headcount workspace …`."""

from enum import StrEnum
from typing import Annotated

import typer

from headcount.cli.terminal import (
    Subdomain,
    day,
    err,
    print_table,
    read_password,
    settings_of_process,
    with_work,
)
from service.founding import found_workspace
from service.workspaces import Plan, all_workspaces

app = typer.Typer(no_args_is_help=True, help="Workspaces: the product's customers.")


class PlanName(StrEnum):
    """Plans, as the command line spells them."""

    ESSENTIAL = "essential"
    STANDARD = "standard"
    PREMIUM = "premium"
    ENTERPRISE = "enterprise"


@app.command()
def create(
    subdomain: Subdomain,
    name: Annotated[str, typer.Option(help="The customer's name.")],
    plan: Annotated[PlanName, typer.Option(help="What the customer pays for.")],
    owner_email: Annotated[str, typer.Option(help="The first owner's e-mail address, which is the userName too.")],
    owner_name: Annotated[
        str | None, typer.Option(help="The owner's given and family name; guessed from the address if left out.")
    ] = None,
) -> None:
    """Create a workspace and its first owner; the password comes from HEADCOUNT_OWNER_PASSWORD or a prompt."""
    settings = settings_of_process()
    password = read_password("OWNER_PASSWORD", owner_email)
    with_work(
        settings,
        lambda work, hasher: found_workspace(
            work,
            hasher,
            subdomain=subdomain,
            name=name,
            plan=Plan[plan.name],
            owner_email=owner_email,
            owner_name=owner_name,
            password=password,
        ),
    )
    err.print(f"Workspace {subdomain} is at {settings.workspace_url(subdomain)}; {owner_email} owns it.")


@app.command("list")
def list_() -> None:
    """List all workspaces."""
    settings = settings_of_process()
    print_table(
        ["subdomain", "name", "plan", "created", "SCIM base URL"],
        [
            (each.subdomain, each.name, each.plan.lower(), day(each.created_at), settings.scim_base_url(each.subdomain))
            for each in with_work(settings, lambda work, _: work.lookup(all_workspaces))
        ],
    )
