"""How much one caller may ask for in a minute: points, as `graphql_facade.costs` counts them."""

from datetime import datetime, timedelta
from time import monotonic

import strawberry
from cachetools import LRUCache

from graphql_facade.costs import MAX_COST
from graphql_facade.requests import Rejected
from service.clock import now

_CALLERS = 100_000  # that are remembered; whoever has not asked for a minute has all points anyway
_SECONDS = 60


@strawberry.type(description="What the operation costs, and how many points the caller has left. Each process counts.")
class RateLimit:
    """After this operation."""

    cost: int = strawberry.field(description="The points that this operation costs.")
    max_cost: int = strawberry.field(description="The points that one operation may cost.")
    remaining: int = strawberry.field(description="The points that are left after it.")
    limit: int = strawberry.field(description="The points that a caller has who has not asked for a minute.")
    reset_at: datetime = strawberry.field(description="When all points are there again, if nothing is asked for.")


class RateLimits:
    """The points of every caller; they come back evenly, `per_minute` in a minute."""

    def __init__(self, per_minute: int) -> None:
        self._limit = per_minute
        self._left: LRUCache[str, tuple[float, float]] = LRUCache(_CALLERS)

    def take(self, caller: str, cost: int) -> RateLimit:
        """Take an operation's points, or Rejected where it costs too much or there are too few left."""
        if cost > MAX_COST:
            message = f"This operation costs {cost:,} points, and one may cost {MAX_COST:,}: ask for smaller pages."
            raise Rejected(400, "LIMIT_EXCEEDED", message, limit=MAX_COST)
        at = monotonic()
        left, since = self._left.get(caller, (float(self._limit), at))
        left = min(self._limit, left + (at - since) * self._limit / _SECONDS)
        if cost > left:
            wait = max(1, round((cost - left) * _SECONDS / self._limit))
            message = f"All {self._limit:,} points of a minute are spent: ask again in {wait} seconds."
            raise Rejected(429, "RATE_LIMITED", message, {"Retry-After": str(wait)}, limit=self._limit)
        self._left[caller] = (left - cost, at)
        return self._told(cost, left - cost)

    def _told(self, cost: int, left: float) -> RateLimit:
        until_all = timedelta(seconds=(self._limit - left) * _SECONDS / self._limit)
        return RateLimit(
            cost=cost, max_cost=MAX_COST, remaining=int(left), limit=self._limit, reset_at=now() + until_all
        )
