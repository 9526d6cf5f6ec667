"""The users and groups that a run has created and must take away again, whatever happens to it.

What is to be created is written down before the request that creates it is sent, so that neither a lost answer nor
Ctrl-C makes it forgotten: what has no id yet is looked up by its name. Nothing is ever touched whose document does not
hold the run's random marker.
"""

from dataclasses import dataclass

import orjson
from pydantic import JsonValue

from headcount.rehearsal.exchange import Answer, Line, NoAnswer, Ready, segment
from headcount.rehearsal.matchers import Actual
from headcount.rehearsal.report import Leftover

_GONE = {404, 410}
_NOT_OFFERED = {405, 501}
_DEACTIVATION: JsonValue = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "value": {"active": False}}],
}


NAMES = {"/Users": "userName", "/Groups": "displayName"}
"""What can be created, and the attribute that it is known by."""


@dataclass
class Created:
    """What a request has created (`certain`), or may have. `done`: no more can be done about it."""

    path: str
    name: str
    id: str | None = None
    certain: bool = False
    done: bool = False
    state: str = "it may exist: the request that creates it was never answered"


class Leavings:
    """The users and groups of one run that are still there; `created` counts what is known to have been created."""

    def __init__(self, line: Line, marker: str) -> None:
        self.created = 0
        self._line = line
        self._marker = marker
        self._users: list[Created] = []

    def expect(self, path: str, body: JsonValue) -> Created:
        """Write down what a POST of this body is about to create."""
        name = body.get(NAMES[path]) if isinstance(body, dict) else None
        user = Created(path, str(name or ""))
        self._users.append(user)
        return user

    def settle(self, user: Created, answer: Answer | NoAnswer) -> None:
        """Learn from the answer to that POST whether there is such a user, and its id."""
        if isinstance(answer, NoAnswer):
            return
        if answer.status < 300:
            self.created += 1
            user.certain = True
            user.id = self._own_id(answer.body)
            user.state = "it was created, but the answer did not give its id"
        elif answer.status < 500:
            self._users.remove(user)
        else:
            user.state = f"it may exist: the request that creates it was answered {answer.status}"

    def clean(self, *, last: bool = False) -> None:
        """Delete what is there; deactivate what DELETE is not offered for. After `last` no other attempt follows."""
        for user in [user for user in self._users if not user.done]:
            if user.id is None:
                self._look_up(user, last)
            if user.id is not None:
                self._delete(user, user.id, last)
            if self._line.silent:
                break  # nobody answers: each further attempt would cost a whole time-out

    def left(self) -> tuple[Leftover, ...]:
        """What is still there, as far as anyone can know."""
        return tuple(Leftover(user.name, user.id, user.state) for user in self._users)

    def _look_up(self, user: Created, last: bool) -> None:
        """Find the id of a user by its name; forget a user that, in the end, is not there."""
        if self._marker not in user.name:
            return
        literal = orjson.dumps(user.name).decode()
        answer = self._line.send(Ready("GET", user.path, {"filter": f"{NAMES[user.path]} eq {literal}"}))
        if isinstance(answer, NoAnswer) or answer.status != 200 or not isinstance(answer.body, dict):
            return
        resources = answer.body.get("Resources")
        ids = [self._own_id(found) for found in resources] if isinstance(resources, list) else []
        user.id = next((found for found in ids if found), None)
        if user.id is not None and not user.certain:
            self.created, user.certain = self.created + 1, True
        elif last and user.id is None and not user.certain:
            self._users.remove(user)

    def _delete(self, user: Created, id: str, last: bool) -> None:
        answer = self._line.send(Ready("DELETE", f"{user.path}/{segment(id)}"))
        if isinstance(answer, NoAnswer):
            user.state = f"still there: to DELETE there was {answer.why}"
        elif answer.status < 300 or answer.status in _GONE:
            self._users.remove(user)
        elif user.path == "/Users" and (answer.status in _NOT_OFFERED or last):
            user.done = True
            user.state = f"{self._deactivated(id)}; DELETE was answered {answer.status}"
        else:
            user.state = f"still there: DELETE was answered {answer.status}"

    def _deactivated(self, id: str) -> str:
        """Deactivate a user by PATCH, or by PUT where PATCH is refused, and say how that went."""
        path = f"/Users/{segment(id)}"
        answer = self._line.send(Ready("PATCH", path, body=_DEACTIVATION))
        if isinstance(answer, Answer) and answer.status >= 300:
            there = self._line.send(Ready("GET", path))
            if isinstance(there, Answer) and isinstance(there.body, dict):
                answer = self._line.send(Ready("PUT", path, body={**there.body, "active": False}))
        ended = isinstance(answer, Answer) and answer.status < 300
        return "deactivated" if ended else "still active"

    def _own_id(self, document: Actual) -> str | None:
        """The id in a user's document, provided that the document is of this run."""
        if not isinstance(document, dict) or self._marker not in orjson.dumps(document).decode().lower():
            return None
        value = document.get("id")
        return value if isinstance(value, str) and value else None
