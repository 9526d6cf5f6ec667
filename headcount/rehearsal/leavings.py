"""The users that a run has created and must take away again, whatever happens to it.

A user is written down before the request that creates it is sent, so that neither a lost answer nor Ctrl-C
makes it forgotten: what has no id yet is looked up by its userName. Nothing is ever touched whose answer does
not mention the run's random marker.
"""

from dataclasses import dataclass

import orjson
from pydantic import JsonValue

from headcount.rehearsal.exchange import Answer, Line, NoAnswer, Ready
from headcount.rehearsal.report import Leftover

_GONE = {404, 410}
_DELETE_REFUSED = {405, 501}
_DEACTIVATION: JsonValue = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "value": {"active": False}}],
}


@dataclass
class Created:
    """A user that a request has created, or may have: without an id nothing more is known than the name it sent."""

    user_name: str
    id: str | None = None
    state: str = "it may have been created; the answer never came"
    final: bool = False


class Leavings:
    """The users of one run that are still there. `created` counts those that are known to have been created."""

    def __init__(self, line: Line, marker: str) -> None:
        self.created = 0
        self._line = line
        self._marker = marker
        self._users: list[Created] = []

    def expect(self, body: JsonValue) -> Created:
        """Write down the user that a POST with this body is about to create."""
        name = body.get("userName") if isinstance(body, dict) else None
        user = Created(str(name or "(no userName)"))
        self._users.append(user)
        return user

    def settle(self, user: Created, answer: Answer | NoAnswer) -> None:
        """Learn from the answer to that POST whether there is such a user, and its id."""
        if isinstance(answer, NoAnswer):
            return
        if 300 <= answer.status < 500:
            self._users.remove(user)
        elif answer.status < 300:
            self.created += 1
            user.id = self._own_id(answer.body)
            user.state = "it was created" if user.id else "it was created, but the answer did not give its id"

    def clean(self, *, last: bool = False) -> None:
        """Delete what is there; deactivate it where DELETE is not offered. With `last` nothing more will follow."""
        for user in [user for user in self._users if not user.final]:
            self._remove(user, last)
            if self._line.silent:
                break  # the server is away: each further attempt would cost a whole time-out

    def left(self) -> tuple[Leftover, ...]:
        """What is still there, as far as anyone can know."""
        return tuple(Leftover(user.user_name, user.id, user.state) for user in self._users)

    def _remove(self, user: Created, last: bool) -> None:
        if user.id is None and not self._find(user):
            if last:
                self._users.remove(user)
            return
        if user.id is None:
            return
        answer = self._line.send(Ready("DELETE", f"/Users/{_segment(user.id)}"))
        if isinstance(answer, NoAnswer):
            user.state = f"still there: {answer.why}"
        elif answer.status < 300 or answer.status in _GONE:
            self._users.remove(user)
        elif answer.status in _DELETE_REFUSED:
            user.final = True
            user.state = self._deactivated(user.id, answer.status)
        else:
            user.state = f"still there: DELETE was answered {answer.status}"
