"""`headcount workspace …`."""

from enum import StrEnum
from typing import Annotated

import typer

from headcount.cli.terminal import (
    Subdomain,
    day,
    err,
    in_workspace,
    print_table,
    read_password,
    settings_of_process,
    with_work,
)
from service.actor import Actor
from service.founding import found_workspace
from service.plans import set_plan
from service.provisioning.pausing import ManagedPeople, pause_provisioning, resume_provisioning, sweep_all
from service.users.seats import set_seats
from service.work import Work
from service.workspaces import STAFF_REALM, Plan, all_workspaces

app = typer.Typer(no_args_is_help=True, help="Workspaces: the product's customers.")


class PlanName(StrEnum):
    """Plans, as the command line spells them."""

    ESSENTIAL = "essential"
    STANDARD = "standard"
    PREMIUM = "premium"
    ENTERPRISE = "enterprise"


class Fate(StrEnum):
    """What a pause means for managed people, as the command line spells it."""

    KEEP = "keep"
    CONVERT = "convert"
    DEACTIVATE = "deactivate"


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


@app.command()
def plan(
    subdomain: Subdomain,
    plan: Annotated[PlanName, typer.Argument(help="What the customer pays for from now on.")],
    reason: Annotated[str, typer.Option(help="Why; the workspace's audit log shows it.")],
) -> None:
    """Put a workspace on another plan; its flags follow."""
    in_workspace(subdomain, lambda work, _, actor: work.write(actor, set_plan, Plan[plan.name], reason=reason))
    err.print(f"Workspace {subdomain} is on the plan {plan.value}.")


@app.command()
def seats(
    subdomain: Subdomain,
    number: Annotated[str, typer.Argument(help="How many people may have access at a time, or none for any number.")],
) -> None:
    """Bound the number of people with access. Who has access already keeps it."""
    if number != "none" and not number.isdecimal():
        raise typer.BadParameter("a number, or none", param_hint="NUMBER")
    wanted = None if number == "none" else int(number)
    in_workspace(subdomain, lambda work, _, actor: work.write(actor, set_seats, wanted))
    err.print(f"Workspace {subdomain} has {number if wanted is not None else 'any number of'} seats.")


@app.command()
def pause(
    subdomain: Subdomain,
    managed_people: Annotated[
        Fate,
        typer.Option(
            help="What happens to the people whom the directory manages: they stay as they are, the workspace decides "
            "about them from now on, or their access ends until provisioning is resumed."
        ),
    ],
) -> None:
    """Refuse the directory until provisioning is resumed."""

    async def paused(work: Work, actor: Actor) -> None:
        await work.write(actor, pause_provisioning, ManagedPeople[managed_people.name])
        await sweep_all(work, actor.workspace_id)

    in_workspace(subdomain, lambda work, _, actor: paused(work, actor))
    err.print(f"Provisioning of {subdomain} is paused; `headcount workspace resume {subdomain}` goes on with it.")


@app.command()
def resume(subdomain: Subdomain) -> None:
    """Let the directory in again, and give back the access that the pause has taken."""

    async def resumed(work: Work, actor: Actor) -> None:
        await work.write(actor, resume_provisioning)
        await sweep_all(work, actor.workspace_id)

    in_workspace(subdomain, lambda work, _, actor: resumed(work, actor))
    err.print(f"Provisioning of {subdomain} goes on.")


@app.command("list")
def list_() -> None:
    """List all workspaces."""
    settings = settings_of_process()
    print_table(
        ["subdomain", "name", "plan", "created", "SCIM base URL"],
        [
            (each.subdomain, each.name, each.plan.lower(), day(each.created_at), settings.scim_base_url(each.subdomain))
            for each in with_work(settings, lambda work, _: work.lookup(all_workspaces))
            if each.id != STAFF_REALM
        ],
    )
