"""What a message does to a group's members, as changes that need no look at the members there are (RFC 7644, 3.5.2).

Okta pushes members by `add`, `remove` with a filter in the path and `replace`; Entra removes by a list of values, with
`"$ref": null` in each. All of it is understood, with and without a path; operations take effect in their order.
"""

from typing import Any

from scim_facade.filters import Compare, Filter, Junction
from scim_facade.group_attributes import GROUP
from scim_facade.messages import Document, Rejected, member
from scim_facade.patch import operations_of, parse_path
from scim_facade.tolerances import Tolerance, Tolerances
from scim_facade.values import read_value
from service.groups.fields import MemberAct, MemberChange
from service.refusals import Invalid, Refused

_MEMBERS = next(each for each in GROUP.attributes if each.name == "members")
_ACTS = {"add": MemberAct.ADD, "replace": MemberAct.REPLACE, "remove": MemberAct.REMOVE}


def apart_from_members(document: Document, tolerances: Tolerances) -> tuple[Document, list[MemberChange]]:
    """A group in a POST or PUT without its members, and what it says of them: all that there are to be, or nothing
    where it has no such attribute."""
    of_members = [name for name in document if GROUP.find(name) == (_MEMBERS,)]
    changes = [MemberChange(MemberAct.REPLACE, _ids(document[name], tolerances)) for name in of_members[:1]]
    return {name: value for name, value in document.items() if name not in of_members}, changes


def without_members(message: Document, tolerances: Tolerances) -> tuple[Document, list[MemberChange]]:
    """A PatchOp message without what it does to members, and that."""
    others: list[Document] = []
    changes: list[MemberChange] = []
    for operation in operations_of(message):
        op, path, value = (member(operation, name) for name in ("op", "path", "value"))
        act = _ACTS.get(op.lower()) if isinstance(op, str) else None
        if act is not None and op != act.lower():
            tolerances.use(Tolerance.OPERATION_IN_CAPITALS, f"The op {op!r}")
        if act is None or not isinstance(path, str | None):
            others.append(operation)
        elif path:
            change = _at_path(act, path, value, tolerances)
            if change is None:
                others.append(operation)
            else:
                changes.append(change)
        elif isinstance(value, dict) and act is not MemberAct.REMOVE:
            changes += [
                MemberChange(act, _ids(part, tolerances))
                for name, part in value.items()
                if GROUP.find(name) == (_MEMBERS,)
            ]
            rest = {name: part for name, part in value.items() if GROUP.find(name) != (_MEMBERS,)}
            others.append({"op": op, "value": rest})
        else:
            others.append(operation)
    return {"Operations": others}, changes


def _at_path(act: MemberAct, path: str, value: object, tolerances: Tolerances) -> MemberChange | None:
    """What an operation with a path does to members; None where it is about something else."""
    if not path.lower().removeprefix(f"{GROUP.urn.lower()}:").startswith("members"):
        return None
    parsed = parse_path(path, GROUP)
    if parsed.part is not None:
        raise Rejected(400, f"{path}: a member is added and removed, and never changed in part.", "mutability")
    if parsed.condition is not None:
        if act is not MemberAct.REMOVE:
            raise Rejected(400, f"{path}: with a filter in its path, a member can only be removed.", "invalidPath")
        return MemberChange(act, tuple(_named(parsed.condition, path)))
    if act is MemberAct.REMOVE and value in (None, [], ""):
        return MemberChange(MemberAct.REPLACE, ())  # RFC 7644, 3.5.2.2: remove without a value removes all
    return MemberChange(act, _ids(value, tolerances))


def _named(condition: Filter, path: str) -> list[str]:
    """The ids that a filter in a path names."""
    match condition:
        case Compare(name, "eq", str(value)) if name.lower() == "value":
            return [value]
        case Junction("or", parts):
            return [value for part in parts for value in _named(part, path)]
    raise Rejected(400, f'{path}: members are named by value eq "<id>", joined by or.', "invalidPath")


def _ids(value: Any, tolerances: Tolerances) -> tuple[str, ...]:
    given: list[Document] = read_value(_MEMBERS, value, "members", tolerances) or []
    for each in given:
        if each.get("type", "User") != "User":
            raise Refused(Invalid("members", "must be users: groups within groups are not supported"))
        if not each.get("value") and not each.get("$ref"):
            raise Refused(Invalid("members", "must each have a value: the id of a user"))
    return tuple(dict.fromkeys(each.get("value") or each["$ref"].rpartition("/")[2] for each in given))
