"""Every verb of the domain: a public function whose first parameter is a unit of work."""

import importlib
import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from service.unit_of_work import UnitOfWork
from tests.house.tree import modules

# What verbs are made of, and asks for no permission because the verb did.
PARTS_OF_VERBS = {
    "service.api_keys.end_personal_keys",
    "service.credentials.refuse_unless_good",
    "service.finding.found",
    "service.flags.flags_on",
    "service.founding.create_who_signs_in",
    "service.groups.roles.follow_group_roles",
    "service.pages.opened",
    "service.provisioning.breaker.count_deactivation",
    "service.provisioning.conflicts.note_taken",
    "service.provisioning.tolerances.note_tolerances",
    "service.provisioning.conflicts.refuse_unless_linkable",
    "service.users.deciding.refuse_unless_decided_here",
    "service.users.seats.take_seat",
    "service.users.tombstones.bury",
    "service.users.tombstones.identity_of",
    "service.authentication.find_person",
    "service.links.new_link",
    "service.links.use_up",
    "service.links.whose_link",
    "service.mail.outbox.post",
    "service.sessions.keep_password",
    "service.pages.page_of",
    "service.pages.rows_from",
    "service.pages.sealed",
    "service.users.commands.give_role",
    "service.users.commands.pause_user",
    "service.users.commands.release_user",
    "service.users.commands.resume_user",
}


@dataclass(frozen=True)
class Verb:
    """A verb and the parameters that it cannot do without, the unit of work aside."""

    function: Callable[..., Any]
    positional: tuple[str, ...]
    keywords: tuple[str, ...]

    @property
    def name(self) -> str:
        """Where it is: `service.users.commands.create_user`."""
        return f"{self.function.__module__}.{self.function.__name__}"

    @property
    def parameters(self) -> tuple[str, ...]:
        """All of them."""
        return self.positional + self.keywords


def verbs() -> list[Verb]:
    """All there are."""
    found = []
    for name in sorted(modules()):
        if name.startswith("service.") and ".migrations" not in name:
            module = importlib.import_module(name)
            functions = inspect.getmembers(module, inspect.isfunction)
            found += [
                _verb(function)
                for name_of, function in functions
                if function.__module__ == name and not name_of.startswith("_") and _takes_a_unit_of_work(function)
            ]
    return [verb for verb in found if verb.name not in PARTS_OF_VERBS]


def _takes_a_unit_of_work(function: Callable[..., Any]) -> bool:
    first = next(iter(inspect.signature(function).parameters), None)
    return first is not None and typing.get_type_hints(function).get(first) is UnitOfWork


def _verb(function: Callable[..., Any]) -> Verb:
    needed = [each for each in list(inspect.signature(function).parameters.values())[1:] if each.default is each.empty]
    return Verb(
        function,
        tuple(each.name for each in needed if each.kind is not each.KEYWORD_ONLY),
        tuple(each.name for each in needed if each.kind is each.KEYWORD_ONLY),
    )
