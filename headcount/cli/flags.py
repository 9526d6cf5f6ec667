"""`headcount flag …`."""

from enum import StrEnum
from typing import Annotated

import typer

from headcount.cli.terminal import Subdomain, duration, err, in_workspace, minute, print_table
from service.actor import Actor
from service.clock import now
from service.flags import Flag, FlagState, list_flags, set_flag
from service.work import Work

app = typer.Typer(no_args_is_help=True, help="Workspace flags, which only support sets.")


class Switch(StrEnum):
    """A flag's value."""

    ON = "on"
    OFF = "off"
    PLAN = "plan"

    @property
    def enabled(self) -> bool | None:
        """What the domain is told; None leaves it to the plan."""
        return None if self is Switch.PLAN else self is Switch.ON


@app.command("set")
def set_(
    subdomain: Subdomain,
    flag: Annotated[Flag, typer.Argument(help="The flag's key.")],
    value: Annotated[Switch, typer.Argument(help="What to set it to; `plan` leaves it to the plan again.")],
    reason: Annotated[str, typer.Option(help="Why; the workspace's audit log shows it.")],
    ends: Annotated[str | None, typer.Option(help="How long it is set for, such as 30d; for good if left out.")] = None,
) -> None:
    """Override a flag for one workspace."""
    expires_at = now() + duration(ends) if ends else None

    async def act(work: Work, actor: Actor) -> FlagState:
        return await work.write(actor, set_flag, flag, enabled=value.enabled, reason=reason, expires_at=expires_at)

    state = in_workspace(subdomain, lambda work, _, actor: act(work, actor))
    err.print(f"{state.flag} is {_on_off(state.enabled)} for {subdomain}.")


@app.command("list")
def list_(subdomain: Subdomain) -> None:
    """List a workspace's flags and where their values come from."""
    print_table(
        ["flag", "value", "from", "until", "reason", "what it switches"],
        [
            (
                state.flag,
                _on_off(state.enabled),
                state.source.lower() if state.is_available else "not part of the plan",
                minute(state.override.expires_at) if state.override else "",
                state.override.reason if state.override else "",
                state.description,
            )
            for state in in_workspace(subdomain, lambda work, _, actor: work.read(actor, list_flags))
        ],
    )


def _on_off(enabled: bool) -> Switch:
    return Switch.ON if enabled else Switch.OFF
