"""The benchmarks run, check what they are answered, and report it."""

import json
import subprocess
import sys
from pathlib import Path

WORKLOADS = {
    "SCIM get by id",
    "SCIM look-up by userName",
    "SCIM look-up by e-mail",
    "SCIM page of 100",
    "SCIM last page of 100",
    "SCIM cursor page of 100",
    "SCIM PATCH of 256 members",
    "SCIM create",
    "SCIM PATCH active",
    "GraphQL page of 50 x 8",
}


def test_a_short_run_measures_every_workload_and_says_so_twice(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    options = ("--variant", "sqlite-1", "--users", "100", "--clients", "2", "--rounds", "1", "--seconds", "0.2")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *options, "--json", str(figures)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    measured = json.loads(figures.read_bytes())
    assert {each["workload"] for each in measured["figures"] if each["variant"] == "sqlite-1"} == WORKLOADS
    beside_the_limit = {each["workload"] for each in measured["figures"] if "limit" in each["times"]}
    assert beside_the_limit == WORKLOADS
    for each in measured["figures"]:
        assert each["rate"]["median"] > 0, each
        assert each["times"]["FastAPI route"]["median"] > 0, each
        assert f"| {each['workload']} " in done.stdout
