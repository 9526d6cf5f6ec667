"""`headcount serve` in production settings, on a database that has people in it."""

import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.people import Tenant, load
from benchmarks.processes import Server, free_port, started
from benchmarks.variants import ENGINES, Variant

BASE_DOMAIN = "bench.example"
_CACHE = Path(__file__).parents[1] / ".cache"


@dataclass(frozen=True)
class Serving:
    """A running server of ours, the workspaces in its database by their subdomains, and the way to that database."""

    server: Server
    tenants: dict[str, Tenant]
    database_url: str
    secret_key: str


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for the block, on the disk that the project is on: /tmp may be memory, where an fsync costs nothing."""
    _CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_CACHE, prefix="benchmarks-") as name:
        yield Path(name)


@contextmanager
def serving(variant: Variant, folder: Path) -> Iterator[Serving]:
    """A new database with the variant's people, served until the block ends; the folder is its own."""
    folder.mkdir(exist_ok=True)
    port, secret_key = free_port(), secrets.token_urlsafe(48)
    with ENGINES[variant.engine](folder) as database:
        tenants = load(database.url, secret_key, variant.users, variant.others)
        env = {name: value for name, value in os.environ.items() if not name.startswith("HEADCOUNT_")} | {
            "HEADCOUNT_DATABASE_URL": database.url,
            "HEADCOUNT_BASE_DOMAIN": BASE_DOMAIN,
            "HEADCOUNT_SECRET_KEY": secret_key,
            "HEADCOUNT_PORT": str(port),
            "HEADCOUNT_GRAPHQL_POINTS_PER_MINUTE": "1000000000",  # one caller asks for more than any may
        }
        words = [sys.executable, "-m", "headcount", "serve", *variant.options]
        with started(words, port, folder, env, folder / "server.log", database.pid) as server:
            yield Serving(server, tenants, database.url, secret_key)
