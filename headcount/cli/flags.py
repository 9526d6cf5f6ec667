"""`headcount flag …`."""

from enum import StrEnum
from typing import Annotated

import typer

from headcount.cli.terminal import Subdomain, err, in_workspace, print_table
from service.flags import Flag, list_flags, set_flag

app = typer.Typer(no_args_is_help=True, help="Workspace flags, which only support sets.")


class Switch(StrEnum):
    """A flag's value."""

    ON = "on"
    OFF = "off"


@app.command("set")
def set_(
    subdomain: Subdomain,
    flag: Annotated[Flag, typer.Argument(help="The flag's key.")],
    value: Annotated[Switch, typer.Argument(help="What to set it to.")],
    reason: Annotated[str, typer.Option(help="Why; the workspace's audit log shows it.")],
) -> None:
    """Override a flag for one workspace."""
    state = in_workspace(
        subdomain, lambda work, _, actor: work.write(actor, set_flag, flag, enabled=value is Switch.ON, reason=reason)
    )
    err.print(f"{state.flag} is {_on_off(state.enabled)} for {subdomain}.")


@app.command("list")
def list_(subdomain: Subdomain) -> None:
    """List a workspace's flags and where their values come from."""
    print_table(
        ["flag", "value", "from", "reason", "what it switches"],
        [
            (
                state.flag,
                _on_off(state.enabled),
                state.source.lower(),
                state.override.reason if state.override else "",
                state.description,
            )
            for state in in_workspace(subdomain, lambda work, _, actor: work.read(actor, list_flags))
        ],
    )


def _on_off(enabled: bool) -> Switch:
    return Switch.ON if enabled else Switch.OFF
