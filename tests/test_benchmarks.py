"""The benchmarks run, check what they are answered, and report it."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.load import Sample
from benchmarks.soak import Slice, growth

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


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    """A command of the benchmarks, run to its end."""
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, timeout=120)


def test_a_short_run_measures_every_workload_says_so_twice_and_what_has_grown(tmp_path: Path) -> None:
    figures, before = tmp_path / "figures.json", tmp_path / "before.json"
    earlier = {"SCIM get by id": {"limit": {"median": 0.01}}, "SCIM create": {"limit": {"median": 1e6}}, "gone": {}}
    known = [{"variant": "sqlite-1", "users": 100, "workload": each, "times": earlier[each]} for each in earlier]
    before.write_text(json.dumps({"figures": known}))
    options = ("--variant", "sqlite-1", "--users", "100", "--clients", "2", "--rounds", "1", "--seconds", "0.2")
    done = run("benchmarks", *options, "--json", str(figures), "--baseline", str(before))
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


def test_a_short_soak_ends_with_no_more_memory_and_no_more_files_than_it_had() -> None:
    done = run("benchmarks.soak", "--users", "100", "--clients", "2", "--slices", "4", "--seconds", "1")
    assert (done.returncode, done.stderr) == (0, "")
    *table, verdict = done.stdout.splitlines()
    assert len(table) == 2 + 4
    assert verdict == "Neither memory nor open files have grown."


def test_a_soak_says_what_has_grown() -> None:
    sample = Sample(requests=1, seconds=1, cpu=1, database_cpu=0, client_cpu=0, others_cpu=0, p50=1, p99=1, longest=1)
    past = [Slice(sample, *each) for each in ((50, 10), (100, 20), (400, 90), (106, 25))]
    assert growth(past) == ["Memory has grown from 100 to 106 MB.", "Open files have grown from 20 to 25."]
    assert growth([*past, Slice(sample, 104, 24)]) == []


def test_a_short_run_tells_how_long_one_request_keeps_others_waiting() -> None:
    options = ("--engine", "sqlite", "--users", "300", "--seconds", "0.3", "--workload", "group", "--workload", "get")
    done = run("benchmarks.lag", *options)
    assert (done.returncode, done.stderr) == (0, "")
    beside = [line.split(" | ")[1] for line in done.stdout.splitlines()[2:]]
    assert beside == [
        "nothing",
        "SCIM get by id",
        "SCIM group of 300 made and deleted",
        "SCIM group of 300",
        "SCIM group of 300, without members",
    ]
