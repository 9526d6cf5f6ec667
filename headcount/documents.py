"""The GraphQL operations that browsers may have run, by the settings."""

from pathlib import Path

from graphql_facade.trusted_documents import TrustedDocuments
from headcount.settings import Settings


def trusted_documents(settings: Settings) -> TrustedDocuments | None:
    """The only ones; None: any, as always in development. ValueError where the file is none of documents."""
    file = settings.trusted_documents
    return TrustedDocuments.read(Path(file)) if file and not settings.is_development else None
