"""Serving: migrations, the sample workspace of a first run, and uvicorn."""

import asyncio
import secrets
import sys
from pathlib import Path

import uvicorn
from rich.console import Console

from headcount.carriers import OUTBOX
from headcount.documents import trusted_documents
from headcount.logs import set_up_logs
from headcount.opening import open_work
from headcount.settings import Settings, write_secret
from service.founding import found_workspace
from service.passwords import PasswordHasher
from service.store.opening import is_sqlite, open_engine, refuse_unless_migrated
from service.store.schema import migrate
from service.workspaces import Plan, find_workspace

_SAMPLE = "acme"
_SAMPLE_OWNER = "alice@acme.example"
_SAMPLE_PASSWORD_FILE = Path("var/sample-password")
_GRACE_SECONDS = 25


def serve(settings: Settings, *, sample: bool) -> None:
    """Serve until interrupted, in as many processes as the settings say."""
    set_up_logs(development=settings.is_development)
    try:
        trusted_documents(settings)  # here, for the same reason as below
    except ValueError as error:
        sys.exit(f"headcount: {error}")
    if is_sqlite(settings.database_url):
        migrate(open_engine(settings.database_url))
    refuse_unless_migrated(settings.database_url)  # here, where it is said once and not by every process
    if sample:
        asyncio.run(_make_sample(settings, secrets.token_urlsafe(15)))
        _say_what_to_do(settings)
    uvicorn.run(
        "headcount.asgi:application",
        factory=True,
        http="headcount.protocol:BoundedHttp",
        ws="none",
        workers=settings.workers,
        host=settings.host,
        port=settings.port,
        access_log=False,
        server_header=False,
        log_config=None,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


async def _make_sample(settings: Settings, password: str) -> None:
    """The workspace `acme`, on a first run, with an owner whose new password is kept in var/."""
    work, hasher = open_work(settings), PasswordHasher()
    try:
        if await work.lookup(find_workspace, _SAMPLE):
            return
        await found_workspace(
            work,
            hasher,
            subdomain=_SAMPLE,
            name="Acme",
            plan=Plan.ENTERPRISE,
            owner_email=_SAMPLE_OWNER,
            owner_name="Alice Archer",
            password=password,
        )
        write_secret(_SAMPLE_PASSWORD_FILE, password)
    finally:
        hasher.close()
        await work.close()


def _say_what_to_do(settings: Settings) -> None:
    password = _SAMPLE_PASSWORD_FILE.read_text() if _SAMPLE_PASSWORD_FILE.exists() else "(the one you chose)"
    base_url = settings.scim_base_url(_SAMPLE)
    mail = "the SMTP server" if settings.smtp_url.get_secret_value() else f"{OUTBOX}/ (HEADCOUNT_SMTP_URL is not set)"
    console = Console(width=max(Console().width, 120), highlight=False)
    console.print(
        f"""
[bold]Headcount[/bold] serves on http://localhost:{settings.port}

  Sample owner     {_SAMPLE_OWNER}   password {password}
  GraphQL          {settings.workspace_url(_SAMPLE)}/graphql
  SCIM base URL    {base_url}
  Mail             {mail}

What to do next, in another terminal in this folder:

  1. .venv/bin/headcount flag set {_SAMPLE} scim_provisioning on --reason "trying it out"
  2. .venv/bin/headcount api-key create {_SAMPLE} --name "Okta SCIM Integration" --scope scim
  3. .venv/bin/headcount rehearse okta --base-url {base_url} --token <the key>
  4. .venv/bin/headcount user list {_SAMPLE}

Ctrl-C stops it; everything is kept in var/.
"""
    )
