"""`python -m benchmarks.sign_ins`: does signing in, whose password hashes take 30 ms of a processor each, delay others?

A health check is asked for again and again, alone and beside 100 browsers that sign in without a pause, each as another
person from another address.
"""

import asyncio
from collections.abc import Iterator
from itertools import repeat
from typing import Annotated

import orjson
import typer
import uvloop

from benchmarks.figures import Spread
from benchmarks.load import Exchange, Sample, measure
from benchmarks.people import PASSWORD, READ
from benchmarks.processes import Server
from benchmarks.serving import BASE_DOMAIN, scratch, serving
from benchmarks.variants import Variant
from benchmarks.workloads import health_checks, request
from service.actor import support
from service.passwords import PasswordHasher
from service.sessions import store_password
from service.store.opening import open_store
from service.tokens import Seal
from service.users.queries import all_users
from service.work import Work
from service.workspaces import find_workspace

_PEOPLE = 100
_SIGN_IN = """mutation SignIn($email: String!, $password: String!) {
  signIn(input: {email: $email, password: $password}) { __typename }
}"""
_RESULTS = ("SignInPayload", "Busy")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    engine: Annotated[str, typer.Option(help="sqlite or postgresql.")] = "sqlite",
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    seconds: Annotated[float, typer.Option(min=0.2, help="How long each line is measured in one round.")] = 3.0,
) -> None:
    """Measure a health check alone and beside 100 parallel sign-ins."""
    with scratch() as folder, serving(Variant(engine, 1, _PEOPLE), folder) as ours:
        people = [each.user_name for each in ours.tenants[READ].people.values()]
        asyncio.run(_give_passwords(ours.database_url, ours.secret_key))
        alone, beside, sign_ins = uvloop.run(_in_rounds(ours.server, people, rounds, seconds))
    print(f"{engine}, {rounds} rounds of {seconds:g} s; median (least-most) over the rounds\n")
    print("| | requests/s | p50 ms | p99 ms |\n|---|---|---|---|")
    for title, samples in (("health check alone", alone), ("beside sign-ins", beside), ("sign-ins", sign_ins)):
        cells = (
            [each.rate for each in samples],
            [each.p50 * 1e3 for each in samples],
            [each.p99 * 1e3 for each in samples],
        )
        print(f"| {title} | {' | '.join(_said(Spread.of(values)) for values in cells)} |")


async def _give_passwords(url: str, secret_key: str) -> None:
    """Everybody gets the same password; only those in the workspace that is read sign in."""
    work, hasher = Work(open_store(url), Seal(secret_key)), PasswordHasher()
    try:
        workspace = await work.lookup(find_workspace, READ)
        assert workspace is not None
        operator, password_hash = support(workspace.id), await hasher.hash(PASSWORD)
        for user in await work.read(operator, all_users):
            named = {"user_id": user.id, "user_name": user.user_name}
            await work.write(operator, store_password, **named, password_hash=password_hash)
    finally:
        hasher.close()
        await work.close()


async def _in_rounds(
    server: Server, people: list[str], rounds: int, seconds: float
) -> tuple[list[Sample], list[Sample], list[Sample]]:
    """Alone and beside in turn."""
    alone, beside, sign_ins = list[Sample](), list[Sample](), list[Sample]()
    clients = [_signing_in(name, number) for number, name in enumerate(people)]
    for _ in range(rounds):
        alone.append(await measure(server, [health_checks()], seconds=seconds, warm_up=0.3))
        both = (
            measure(server, [health_checks()], seconds=seconds, warm_up=0.5),
            measure(server, clients, seconds=seconds, warm_up=0.5),
        )
        first, second = await asyncio.gather(*both)
        beside.append(first)
        sign_ins.append(second)
    return alone, beside, sign_ins


def _signing_in(user_name: str, number: int) -> Iterator[Exchange]:
    """A person who signs in again and again, from an address of their own; the proxy in front says which."""
    host = f"{READ}.{BASE_DOMAIN}"
    headers = {"Host": host, "Content-Type": "application/json", "X-Forwarded-For": f"192.0.2.{number}"}
    variables = {"email": user_name, "password": PASSWORD}

    def check(status: int, body: bytes) -> str | None:
        result = orjson.loads(body).get("data", {}).get("signIn", {}).get("__typename")
        return None if status == 200 and result in _RESULTS else f"expected one of {_RESULTS}"

    return repeat(
        (request("POST", "/graphql", headers, orjson.dumps({"query": _SIGN_IN, "variables": variables})), check)
    )


def _said(spread: Spread) -> str:
    return f"{spread.median:,.1f} ({spread.least:,.1f}-{spread.most:,.1f})"


if __name__ == "__main__":
    app()
