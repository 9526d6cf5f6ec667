"""Run as a process that is killed: adds people from sixteen tasks at once, and says who was acknowledged.

python -m tests.service.writing_without_end DATABASE_URL WORKSPACE_ID
"""

import asyncio
import itertools
import os
import sys

from service.actor import support
from service.ids import new_id
from service.store.opening import open_store
from service.tokens import Seal
from service.users.commands import create_user
from service.users.fields import user_fields
from service.work import Work
from tests.service.cast import SECRET_KEY


async def write_without_end(url: str, workspace_id: str) -> None:
    """Never returns."""
    work = Work(open_store(url), Seal(SECRET_KEY))
    actor = support(workspace_id)

    async def add() -> None:
        for _ in itertools.count():
            user = await work.write(actor, create_user, user_fields({"user_name": new_id("name")}))
            os.write(sys.stdout.fileno(), f"{user.id}\n".encode())

    await asyncio.gather(*(add() for _ in range(16)))


if __name__ == "__main__":
    asyncio.run(write_without_end(*sys.argv[1:]))
