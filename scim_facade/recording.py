"""A SCIM request and its answer as an entry of the provisioning log: what it came to, and both without secrets."""

from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.types import Message, Scope, Send

from scim_facade.tolerances import Tolerances
from service.audit import Action, Event
from service.authentication import Caller, KeyHolder
from service.clock import now
from service.provisioning.log import MAX_TEXT, Exchange, Operation, Outcome

_BY_ACTION = {
    Action.USER_CREATED: Operation.CREATE,
    Action.USER_LINKED: Operation.LINK,
    Action.USER_UPDATED: Operation.UPDATE,
    Action.USER_DEACTIVATED: Operation.DEACTIVATE,
    Action.USER_REACTIVATED: Operation.REACTIVATE,
    Action.USER_DELETED: Operation.DELETE,
}
_BY_METHOD = {
    "POST": Operation.CREATE,
    "PUT": Operation.UPDATE,
    "PATCH": Operation.UPDATE,
    "DELETE": Operation.DELETE,
    "GET": Operation.READ,
}
_DISCOVERY = ("/ServiceProviderConfig", "/Schemas", "/ResourceTypes")
_TEST_COUNTS = ("1", "2")  # Okta's "Test API Credentials" asks for the first two users
_REDACTED = "(not kept)"


@dataclass
class Recording:
    """A request under way. `events` are what it did, as the audit log has it; `body` is what was sent."""

    scope: Scope
    holder: KeyHolder
    events: list[Event] = field(default_factory=list)
    body: bytes = b""
    tolerances: Tolerances = field(init=False)
    _status: int = 0
    _answer: bytes = b""
    _begun: float = field(default_factory=perf_counter)

    def __post_init__(self) -> None:
        self.tolerances = Tolerances(strict=self.holder.is_strict)

    def listening(self, send: Send) -> Send:
        """A way for the answer that remembers how it begins."""

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._status = message["status"]
            elif len(self._answer) < MAX_TEXT:
                self._answer += message.get("body", b"")[:MAX_TEXT]
            await send(message)

        return send_on

    def exchange(self, path: str) -> Exchange:
        """The entry, once the answer has gone; `path` is the address below the base URL."""
        caller: Caller = self.scope["state"]["caller"]
        query = self.scope["query_string"].decode("latin-1")
        main = self.events[0] if self.events else None
        kind, target_id = (main.target_kind, main.target_id) if main else _named(path)
        return Exchange(
            at=now(),
            operation=operation(self.scope["method"], path, query, self.events),
            outcome=Outcome.of(self._status),
            status=self._status,
            duration_ms=round((perf_counter() - self._begun) * 1_000),
            api_key_id=self.holder.actor.id,
            api_key_name=self.holder.actor.name,
            client=_cut(caller.client) if caller.client else None,
            ip=caller.ip,
            request_id=caller.request_id,
            target_kind=kind,
            target_id=target_id,
            target_name=main.target_name if main else None,
            changes=[vars(change) for event in self.events for change in event.changes] or None,
            tolerances=sorted(self.tolerances.used) or None,
            method=self.scope["method"],
            address=_cut(f"{path}?{query}" if query else path),
            request=_cut(redacted(self.body)) if self.body else None,
            response=_cut(self._answer.decode("utf-8", "replace")) or None,
        )


def operation(method: str, path: str, query: str, events: list[Event]) -> Operation:
    """What a request came to, judged by what it did; by what it asked for, where it did nothing."""
    first = next((_BY_ACTION[event.action] for event in events if event.action in _BY_ACTION), None)
    if events and events[0].target_kind == "Group":
        return Operation.GROUP_CHANGE
    if first is not None:
        return first
    if path.startswith(_DISCOVERY):
        return Operation.DISCOVERY
    if path == "/Bulk":
        return Operation.BULK
    if path in ("/Users", "/Groups") and method == "GET":
        asked = dict(parse_qsl(query, keep_blank_values=True))
        if "filter" in asked:
            return Operation.LOOKUP
        return Operation.TEST if path == "/Users" and asked.get("count") in _TEST_COUNTS else Operation.LIST
    if path.endswith("/.search"):
        return Operation.LOOKUP
    if path.startswith("/Groups") and method != "GET":
        return Operation.GROUP_CHANGE
    return _BY_METHOD.get(method, Operation.OTHER) if path.startswith(("/Users", "/Groups")) else Operation.OTHER


def redacted(body: bytes) -> str:
    """A body as text without the passwords in it; a body in which there may be one and that is no JSON is not kept."""
    if b"passw" not in body.lower() and b"\\u" not in body:
        return body[: 4 * MAX_TEXT].decode("utf-8", "replace")
    try:
        return orjson.dumps(_without_passwords(orjson.loads(body))).decode()
    except (orjson.JSONDecodeError, RecursionError):
        return _REDACTED


def _without_passwords(value: Any) -> Any:
    match value:
        case dict():
            told = {name: _without_passwords(part) for name, part in value.items()}
            is_about_one = any(isinstance(part, str) and "passw" in part.lower() for part in value.values())
            return {
                name: _REDACTED if "passw" in name.lower() or (is_about_one and name.lower() == "value") else part
                for name, part in told.items()
            }
        case list():
            return [_without_passwords(each) for each in value]
        case _:
            return value


def _named(path: str) -> tuple[str | None, str | None]:
    """The resource that an address names."""
    _, collection, *rest = [*path.split("/"), "", ""]
    kind = {"Users": "User", "Groups": "Group"}.get(collection)
    return (kind, rest[0]) if kind and rest[0] and not rest[0].startswith(".") else (None, None)


def _cut(text: str) -> str:
    kept = text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"
    return kept.replace("\x00", "\ufffd")
