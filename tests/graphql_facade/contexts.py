"""A request as resolvers see it, for tests that need no HTTP."""

from pathlib import Path

from graphql_facade.context import Context
from graphql_facade.groups import groups_of
from graphql_facade.provisioning_log import last_event_of
from headcount.carriers import FolderCarrier
from service.mail.carrier import Postman
from service.passwords import PasswordHasher
from service.work import Work
from tests.service.cast import caller


def context_of(work: Work, hasher: PasswordHasher, token: str, folder: Path) -> Context:
    """A request at Acme with the cookie of a session; its mail goes into the folder."""
    context = Context(
        work=work,
        hasher=hasher,
        caller=caller("acme"),
        postman=Postman(work, FolderCarrier(folder, "a@b.example")),
        scim_base_url=lambda subdomain: subdomain,
        page_url=lambda page, subdomain: f"{page} of {subdomain}",
        key=None,
        token=token,
    )
    context.groups_of = groups_of(context)
    context.last_event_of = last_event_of(context)
    return context
