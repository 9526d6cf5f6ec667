"""The laws are tried on the same stage as the domain's use cases."""

from tests.service.conftest import acme, database_url, databases, founded, globex, hasher, seal, store, work

__all__ = ["acme", "database_url", "databases", "founded", "globex", "hasher", "seal", "store", "work"]
