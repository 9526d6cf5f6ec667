"""Starting servers, and what Linux says that they have used. Nothing else than /proc is needed."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_START_SECONDS = 30
_STOP_SECONDS = 40
_USER, _SYSTEM, _PARENT = 11, 12, 1  # fields of /proc/<pid>/stat, counted from the one after the name (proc(5))


@dataclass(frozen=True)
class Server:
    """A server that was started here, and the process of the database server behind it, if there is one."""

    pid: int
    port: int
    database_pid: int | None = None

    def pids(self) -> tuple[int, ...]:
        """The server's processes: one with workers has more than one."""
        return _family(self.pid)

    def database_pids(self) -> tuple[int, ...]:
        """The database server's processes."""
        return () if self.database_pid is None else _family(self.database_pid)


def _family(pid: int) -> tuple[int, ...]:
    """A process and all below it."""
    parents = {int(path.name): int(_fields(int(path.name))[_PARENT]) for path in _processes()}
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return tuple(found)


@contextmanager
def started(
    words: Sequence[str], port: int, folder: Path, env: dict[str, str], log: Path, database_pid: int | None = None
) -> Iterator[Server]:
    """Run a command until the block ends; the block begins once its port takes connections."""
    with log.open("wb") as lines:
        process = subprocess.Popen(words, cwd=folder, env=env, stdout=lines, stderr=subprocess.STDOUT)
    try:
        _wait_for_port(process, port, log)
        yield Server(process.pid, port, database_pid)
    finally:
        process.terminate()
        process.wait(timeout=_STOP_SECONDS)


def free_port() -> int:
    """A port of the loopback interface that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time of these processes and all their threads, to a tick (10 ms)."""
    fields = map(_fields, pids)
    return sum(int(each[_USER]) + int(each[_SYSTEM]) for each in fields) / _TICKS_PER_SECOND


def busy_seconds() -> float:
    """What all processors of the machine have worked, and what a hypervisor has taken from them."""
    user, nice, system, _, _, interrupts, soft, stolen, *_ = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system + interrupts + soft + stolen) / _TICKS_PER_SECOND


def resident_megabytes(pids: Sequence[int]) -> float:
    """The memory that these processes occupy."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def open_files(pids: Sequence[int]) -> int:
    """How many files, sockets among them, these processes hold open."""
    return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)


def fsync_microseconds(folder: Path, times: int = 51) -> float:
    """The median time of appending 4 KiB to a file in this folder and waiting until it is on disk."""
    spent: list[float] = []
    file = folder / "fsync"
    with file.open("wb", buffering=0) as out:
        for _ in range(times):
            out.write(bytes(4096))
            begun = time.perf_counter()
            os.fdatasync(out.fileno())  # SQLite's unix engine uses it as well
            spent.append(time.perf_counter() - begun)
    file.unlink()
    return sorted(spent)[times // 2] * 1e6


def _wait_for_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"a server did not start:\n{log.read_text()}")


def _processes() -> Iterator[Path]:
    return (path for path in Path("/proc").iterdir() if path.name.isdigit() and (path / "stat").exists())


def _fields(pid: int) -> list[str]:
    """What follows the name in brackets; zeros for a process that has just ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ["0"] * 50
