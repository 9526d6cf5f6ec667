"""The files of the project, as git knows them (with those that are about to be added)."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("headcount", "service", "scim_facade", "graphql/graphql_facade")


@cache
def files(suffix: str = "") -> tuple[Path, ...]:
    """Paths below the root, ignored files left out."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    paths = (Path(name) for name in listed.stdout.split("\0") if name.endswith(suffix))
    return tuple(path for path in paths if (ROOT / path).is_file())


def modules() -> dict[str, Path]:
    """The program's modules by their dotted names."""
    found = {}
    for path in files(".py"):
        package = next((each for each in PACKAGES if path.is_relative_to(each)), None)
        if package:
            parts = path.relative_to(Path(package).parent).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found
