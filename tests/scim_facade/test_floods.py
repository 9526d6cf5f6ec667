"""Somebody who sends more than can be served."""

import asyncio
import json
import statistics
from collections import Counter

import pytest

from tests.scim_facade.sockets import USERS, head
from tests.stage import Tenant

pytestmark = pytest.mark.anyio

FLOODERS = 400  # connections
A_SECOND = 25  # requests that Microsoft wants a provider to serve in a second, for a workspace
IN_TURN = 50


class Connection:
    """One that is kept, and asks for a page."""

    def __init__(self, tenant: Tenant, count: int) -> None:
        self._port = tenant.server.port
        self._request = head(tenant, target=f"{USERS}?count={count}") + b"\r\n"

    async def open(self) -> None:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def ask(self) -> tuple[int, dict[str, str], bytes]:
        """The status, headers and body of an answer."""
        self._writer.write(self._request)
        first, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await self._reader.readexactly(int(headers["content-length"]))
        return int(first.split()[1]), headers, body

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        await self._writer.wait_closed()


async def test_a_flood_in_one_workspace_keeps_no_other_from_being_served(acme: Tenant, globex: Tenant) -> None:
    flooding = [Connection(globex, 100) for _ in range(FLOODERS)]
    in_turn = Connection(acme, 1)
    await asyncio.gather(*(each.open() for each in (*flooding, in_turn)))
    flood: Counter[int] = Counter()
    is_over = False

    async def flood_by(connection: Connection) -> None:
        while not is_over:
            status, headers, body = await connection.ask()
            flood[status] += 1
            if status == 429:
                assert headers["retry-after"] == "1"
                assert "320 requests under way" in json.loads(body)["detail"]

    floods = [asyncio.create_task(flood_by(each)) for each in flooding]
    began = asyncio.get_running_loop().time()
    statuses, meanwhile = [], []
    for number in range(IN_TURN):
        await asyncio.sleep(max(began + number / A_SECOND - asyncio.get_running_loop().time(), 0))
        before = flood.total()
        statuses.append((await in_turn.ask())[0])
        meanwhile.append(flood.total() - before)
    is_over = True
    await asyncio.gather(*floods)
    await asyncio.gather(*(each.close() for each in (*flooding, in_turn)))
    assert statistics.median(meanwhile) < FLOODERS / 2
    assert statuses == [200] * IN_TURN  # with fewer than a round of the flood's own answers in between:
    assert set(flood) <= {200, 429}
    assert globex.scim().get("/Users").status_code == 200
