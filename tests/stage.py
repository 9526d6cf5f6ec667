"""The stage and the cast: a real server and database; Alice owns Acme, Bob is a member, Charlie owns Globex."""

import itertools
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx2
from typer.testing import CliRunner, Result

from headcount.cli import app

PASSWORD = "correct horse battery staple"
_START_SECONDS = 30


@dataclass
class Terminal:
    """A folder to run commands in, with the variables that they see."""

    folder: Path
    env: dict[str, str]

    def cli(self, *words: str, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        """Run the headcount command; its output must be looked at where check is False."""
        done = subprocess.run(
            [sys.executable, "-m", "headcount", *words],
            cwd=self.folder,
            env=self.env | env,
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0 or not check, done.stderr
        return done

    def said(self, *words: str, **env: str) -> Result:
        """The same without a process of its own, which would take longer to begin than the work does."""
        with chdir(self.folder), ThreadPoolExecutor(1) as elsewhere:  # where no event loop is running
            done = elsewhere.submit(CliRunner().invoke, app, words, env=self.env | env).result(60)
        if isinstance(done.exception, Exception):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done


@dataclass
class Server(Terminal):
    """A running `headcount serve`, and the command line on the same database."""

    port: int
    process: subprocess.Popen[bytes]
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _clients: list[httpx2.Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def host(self, subdomain: str = "") -> str:
        """The Host header of a workspace's settings side; of none, where no subdomain is given."""
        return f"{subdomain}.localhost:{self.port}" if subdomain else f"localhost:{self.port}"

    def client(self, host: str = "", **headers: str) -> httpx2.Client:
        """An HTTP client that names this host."""
        client = httpx2.Client(base_url=self.url, headers={"Host": host or self.host(), **headers}, timeout=30)
        self._clients.append(client)
        return client

    def kill(self) -> None:
        """End it as a power failure would."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Close the clients."""
        for client in self._clients:
            client.close()

    def found(self, subdomain: str, owner: str, *, provisioning: bool = True) -> "Tenant":
        """A workspace with an owner and, unless told otherwise, SCIM switched on."""
        email = f"{owner.lower()}@{subdomain}.example"
        self.said(
            *("workspace", "create", subdomain, "--name", subdomain.title(), "--plan", "enterprise"),
            *("--owner-email", email, "--owner-name", f"{owner} Archer"),
            HEADCOUNT_OWNER_PASSWORD=PASSWORD,
        )
        if provisioning:
            self.said("flag", "set", subdomain, "scim_provisioning", "on", "--reason", "the customer asked for it")
        return Tenant(self, subdomain, email)

    def found_another(self, *, provisioning: bool = True) -> "Tenant":
        """A workspace that no other test knows."""
        return self.found(f"w{next(self._numbers)}-{secrets.token_hex(4)}", "Alice", provisioning=provisioning)


@dataclass
class Tenant:
    """A workspace and its owner."""

    server: Server
    subdomain: str
    owner_email: str
    _key: str = ""

    def at(self, server: Server) -> "Tenant":
        """The same workspace at another server on its database."""
        return replace(self, server=server)

    def new_key(self, *options: str) -> str:
        """A new SCIM key, made on the command line."""
        made = self.server.said("api-key", "create", self.subdomain, "--name", "Okta", "--scope", "scim", *options)
        return made.stdout.strip()

    def add(self, name: str, role: str) -> str:
        """A person who signs in with PASSWORD, made on the command line; their id."""
        email = f"{name.lower()}@{self.subdomain}.example"
        words = ("user", "create", self.subdomain, "--email", email, "--role", role, "--name", f"{name} Archer")
        return self.server.said(*words, HEADCOUNT_USER_PASSWORD=PASSWORD).stderr.split()[0]

    @property
    def key(self) -> str:
        """One SCIM key, kept."""
        self._key = self._key or self.new_key()
        return self._key

    def scim(self, key: str | None = None, **headers: str) -> httpx2.Client:
        """A client of the SCIM facade on the workspace's own host, with `key` or the kept one."""
        client = self.server.client(
            f"{self.subdomain}.api.localhost:{self.server.port}",
            Authorization=f"Bearer {key or self.key}",
            Accept="application/scim+json",
            **headers,
        )
        client.base_url = httpx2.URL(f"{self.server.url}/api/scim/v2")
        return client


def surroundings(**env: str) -> dict[str, str]:
    """The variables of a process that is told nothing about Headcount but these, and that this is development."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("HEADCOUNT_")}
    return others | {"HEADCOUNT_ENVIRONMENT": "development"} | env


@contextmanager
def running(folder: Path, *options: str, **env: str) -> Iterator[Server]:
    """Start `headcount serve` in a folder of its own, and end it."""
    port = _free_port()
    environment = surroundings(HEADCOUNT_PORT=str(port), **env)
    log = folder / "server.log"
    with log.open("w") as lines:
        process = subprocess.Popen(
            [sys.executable, "-m", "headcount", "serve", *options],
            cwd=folder,
            env=environment,
            stdout=lines,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_ready(process, port, log)
        server = Server(folder, environment, port, process)
        yield server
        server.close()
    finally:
        if process.poll() is None:
            process.terminate()
            assert process.wait(timeout=30) in (0, -15), log.read_text()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx2.get(f"http://127.0.0.1:{port}/ready", headers={"Host": "localhost"}).status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    raise AssertionError(log.read_text())
