"""`headcount api-key …`."""

from enum import StrEnum
from typing import Annotated

import typer

from headcount.cli.terminal import Subdomain, day, duration, err, in_workspace, minute, print_table
from service.api_keys import (
    ApiKeyScope,
    RotationOverlap,
    create_api_key,
    list_api_keys,
    revoke_api_key,
    rotate_api_key,
    status_of,
)
from service.clock import now

app = typer.Typer(no_args_is_help=True, help="API keys of a workspace.")


class ScopeName(StrEnum):
    """Scopes of an API key, as the command line spells them."""

    SCIM = "scim"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"


class OverlapName(StrEnum):
    """How long a replaced key is still good, as the command line spells it."""

    NONE = "now"
    DAY = "24h"
    WEEK = "7d"


@app.command()
def create(
    subdomain: Subdomain,
    name: Annotated[str, typer.Option(help='What the key is for, such as "Okta SCIM Integration".')],
    scope: Annotated[list[ScopeName], typer.Option(help="What the key may do; repeat for several.")],
    expires_in: Annotated[str | None, typer.Option(help="Such as 90d or 12h; never if left out.")] = None,
) -> None:
    """Create an API key. The secret alone goes to standard output, once: it cannot be shown again."""
    expires_at = now() + duration(expires_in) if expires_in is not None else None
    scopes = [ApiKeyScope[each.name] for each in scope]
    key, secret = in_workspace(
        subdomain,
        lambda work, _, actor: work.write(actor, create_api_key, name=name, scopes=scopes, expires_at=expires_at),
    )
    err.print(f"{key.id} ({key.name}), expires {day(key.expires_at) or 'never'}. This is its only showing:")
    typer.echo(secret)


@app.command("list")
def list_(subdomain: Subdomain) -> None:
    """List a workspace's API keys, the newest first."""
    print_table(
        ["id", "name", "key", "scopes", "status", "created", "expires", "last used"],
        [
            (
                key.id,
                key.name,
                key.hint,
                " ".join(ScopeName[scope] for scope in key.scopes),
                status_of(key).lower(),
                day(key.created_at),
                day(key.expires_at) or "never",
                minute(key.last_used_at) or "never",
            )
            for key in in_workspace(subdomain, lambda work, _, actor: work.read(actor, list_api_keys))
        ],
    )


@app.command()
def rotate(
    subdomain: Subdomain,
    key_id: Annotated[str, typer.Argument(help="The key's id, from `api-key list`.")],
    overlap: Annotated[OverlapName, typer.Option(help="How long the old key is still good.")] = OverlapName.DAY,
) -> None:
    """Replace an API key by a new one for the same. The secret alone goes to standard output, once."""
    key, secret = in_workspace(
        subdomain, lambda work, _, actor: work.write(actor, rotate_api_key, key_id, RotationOverlap[overlap.name])
    )
    err.print(f"{key.id} ({key.name}) replaces {key_id}. This is its only showing:")
    typer.echo(secret)


@app.command()
def revoke(
    subdomain: Subdomain, key_id: Annotated[str, typer.Argument(help="The key's id, from `api-key list`.")]
) -> None:
    """End an API key for good, at once."""
    key = in_workspace(subdomain, lambda work, _, actor: work.write(actor, revoke_api_key, key_id))
    err.print(f"{key.id} ({key.name}) is revoked.")
