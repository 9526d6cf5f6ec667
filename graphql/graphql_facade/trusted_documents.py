"""Trusted documents: the operations that the settings pages consist of, known by their hashes.

The file is what graphql-codegen's client preset writes with `persistedDocuments: { hashAlgorithm: "sha256" }`: a JSON
object of documents by hash. Requests name one as `documentId`, as GraphQL over HTTP has it for persisted documents.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import orjson

from graphql_facade.requests import Rejected

_PREFIX = "sha256:"


class TrustedDocuments:
    """The documents that browsers may have run."""

    def __init__(self, documents: Mapping[str, str]) -> None:
        self._by_id = dict(documents)
        self._hashes = {_hash(text) for text in documents.values()}

    @classmethod
    def read(cls, file: Path) -> "TrustedDocuments":
        """The documents of a file; ValueError says why it cannot be used."""
        try:
            documents = orjson.loads(file.read_bytes())
        except (OSError, orjson.JSONDecodeError) as error:
            raise ValueError(f"the trusted documents in {file} cannot be read: {error}") from error
        if not isinstance(documents, dict) or not all(isinstance(each, str) for each in documents.values()):
            raise ValueError(f"the trusted documents in {file} must be a JSON object of documents by their hashes")
        return cls(documents)

    def text(self, document_id: str) -> str:
        """The document with this hash, with or without `sha256:` before it, or Rejected."""
        text = self._by_id.get(document_id.removeprefix(_PREFIX))
        if text is None:
            message = (
                "There is no document with this id: load the page again, it may have been made for another version."
            )
            raise Rejected(400, "UNKNOWN_DOCUMENT", message)
        return text

    def refuse_unless_known(self, text: str) -> None:
        """Refuse a document that is none of these."""
        if _hash(text) not in self._hashes:
            message = "With a session only the settings pages' own operations are run: others take an API key."
            raise Rejected(403, "UNTRUSTED_DOCUMENT", message)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
