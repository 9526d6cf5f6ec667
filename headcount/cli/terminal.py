"""What the commands share: settings, work in a workspace, tables and times on a terminal."""

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headcount.opening import open_work
from headcount.settings import PREFIX, Settings, load_settings
from service.actor import Actor, support
from service.passwords import PasswordHasher
from service.work import Work
from service.workspaces import find_workspace

T = TypeVar("T")

Subdomain = Annotated[str, typer.Argument(help="The workspace's subdomain.", show_default=False)]

_NO_TERMINAL_WIDTH = 400  # characters: whatever reads a pipe is not helped by folded lines

out = Console()
err = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)


def settings_of_process() -> Settings:
    """The settings; ends the program where they are wrong."""
    try:
        return load_settings()
    except ValidationError as error:
        wrong = error.errors()[0]
        name = f"{PREFIX}{str(wrong['loc'][0]).upper()}: " if wrong["loc"] else ""
        raise failure(name + wrong["msg"].removeprefix("Value error, ")) from None
    except (OSError, UnicodeDecodeError) as error:
        raise failure(f"the settings file cannot be read: {error}") from None


def failure(why: str) -> SystemExit:
    """What to raise to end the program with one sentence and exit status 1."""
    return SystemExit(f"headcount: {why}")


def with_work(settings: Settings, act: Callable[[Work, PasswordHasher], Awaitable[T]]) -> T:
    """Do something in the database and close it."""
    work = open_work(settings, patient=True)

    async def acting() -> T:
        hasher = PasswordHasher()
        try:
            return await act(work, hasher)
        finally:
            hasher.close()
            await work.close()

    return asyncio.run(acting())


def in_workspace(subdomain: str, act: Callable[[Work, PasswordHasher, Actor], Awaitable[T]]) -> T:
    """Do something in a workspace as the operator of the installation."""

    async def acting(work: Work, hasher: PasswordHasher) -> T:
        workspace = await work.lookup(find_workspace, subdomain)
        if workspace is None:
            raise failure(f"there is no workspace {subdomain!r}; `headcount workspace list` shows which there are")
        return await act(work, hasher, support(workspace.id, name=f"{_operator()} (command line)"))

    return with_work(settings_of_process(), acting)


def read_password(variable: str, whose: str) -> str:
    """A password from this environment variable, else from a prompt; never from the command line, which others see."""
    return os.environ.get(PREFIX + variable) or getpass.getpass(f"Password for {whose}: ")


def duration(text: str) -> timedelta:
    """`90d`, `12h`, `30m` or `10s`."""
    units = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
    number, unit = text[:-1], units.get(text[-1:])
    if unit is None or not (number.isascii() and number.isdigit()) or int(number) == 0 or len(number) > 5:
        raise failure(f"{text!r} is no duration; write 90d, 12h, 30m or 10s")
    return timedelta(**{unit: int(number)})


def _operator() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that no account has
        return f"uid {os.getuid()}"


def print_table(titles: list[str], rows: list[tuple[str, ...]]) -> None:
    """A table on standard output, as wide as it must be where that is no terminal."""
    table = Table(*titles, box=None, header_style="bold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    wide = out if out.is_terminal else Console(width=_NO_TERMINAL_WIDTH)
    wide.print(table)


def day(moment: datetime | None) -> str:
    """The day, or nothing."""
    return f"{moment:%Y-%m-%d}" if moment else ""


def minute(moment: datetime | None) -> str:
    """The minute, or nothing."""
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else ""
