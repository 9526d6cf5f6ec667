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


def test_a_short_run_measures_every_workload_says_so_twice_and_what_has_grown(tmp_path: Path) -> None:
    figures, before = tmp_path / "figures.json", tmp_path / "before.json"
    earlier = {"SCIM get by id": {"limit": {"median": 0.01}}, "SCIM create": {"limit": {"median": 1e6}}, "gone": {}}
    known = [{"variant": "sqlite-1", "users": 100, "workload": each, "times": earlier[each]} for each in earlier]
    before.write_text(json.dumps({"figures": known}))
    options = ("--variant", "sqlite-1", "--users", "100", "--clients", "2", "--rounds", "1", "--seconds", "0.2")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *options, "--json", str(figures), "--baseline", str(before)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (1, "")
    (grown,) = (line for line in done.stdout.splitlines() if line.startswith("GREW"))
    assert grown.startswith("GREW    sqlite-1, 100 users, SCIM get by id: 0.01 times the limit before, ")
    measured = json.loads(figures.read_bytes())
    assert {each["workload"] for each in measured["figures"] if each["variant"] == "sqlite-1"} == WORKLOADS
    beside_the_limit = {each["workload"] for each in measured["figures"] if "limit" in each["times"]}
    assert beside_the_limit == WORKLOADS
    for each in measured["figures"]:
        assert each["rate"]["median"] > 0, each
        assert each["times"]["FastAPI route"]["median"] > 0, each
        assert f"| {each['workload']} " in done.stdout
