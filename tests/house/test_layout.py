"""The law of the tree: small files with telling names, no circles, and a folder `graphql` that is no package."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import graphql
import pytest

from tests.house.tree import PACKAGES, ROOT, files, modules

MAX_LINES = 400
SAYS_NOTHING = {"base", "common", "core", "helper", "helpers", "lib", "misc", "shared", "stuff", "util", "utils"}

# Imports that only the type checker sees, and that would otherwise close a circle.
FOR_TYPES_ONLY = {
    ("scim_facade.values", "scim_facade.attributes"),
    ("graphql_facade.users", "graphql_facade.groups"),
}


def test_the_folder_graphql_is_no_package_and_hides_nothing() -> None:
    assert not (ROOT / "graphql" / "__init__.py").exists()
    assert "site-packages" in str(graphql.__file__)
    assert graphql.version.startswith("3.")
    assert not [path for path in files(".py") if path.parent == Path("graphql")]


def test_names_of_modules_and_folders_say_something() -> None:
    generic = [path for path in files(".py") if {part.removesuffix(".py") for part in path.parts} & SAYS_NOTHING]
    assert generic == []


def test_no_file_is_longer_than_a_person_reads() -> None:
    long = {
        str(path): length
        for path in files(".py")
        if path.parts[0] != "tests"
        and "versions" not in path.parts
        and (length := len((ROOT / path).read_text().splitlines())) > MAX_LINES
    }
    assert long == {}


def test_a_package_says_what_it_is_and_exports_nothing_that_others_made() -> None:
    for path in files("__init__.py"):
        tree = ast.parse((ROOT / path).read_text())
        assert ast.get_docstring(tree), path
        assert "__all__" not in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}, path
        renamed = [alias for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
        assert not [alias.name for alias in renamed if alias.name == alias.asname], path


def test_no_circle_of_imports() -> None:
    known = modules()
    graph = {
        name: {each for each in imported(ROOT / path, known) - {name} if (name, each) not in FOR_TYPES_ONLY}
        for name, path in known.items()
    }
    assert sum(map(len, graph.values())) > len(graph)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


def imported(path: Path, known: dict[str, Path]) -> set[str]:
    """The project's modules that a module imports, within functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} & known.keys() or {node.module}
    return found & known.keys()


def test_every_package_is_checked_by_every_tool() -> None:
    settings = (ROOT / "pyproject.toml").read_text()
    for package in PACKAGES:
        assert f'"{package.rpartition("/")[2]}"' in settings
    top = {path.parts[0] for path in files(".py")} - {"tests", "benchmarks", "graphql"}
    assert top == set(PACKAGES) - {"graphql/graphql_facade"}
