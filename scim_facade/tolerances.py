"""What is understood although the standard does not ask for it, because identity providers in the field send it.

Each is named here, with who needs it; what was used stands in the provisioning log, by key. In a workspace that is
strict none is granted, and the service is as the SCIM interoperability profile (draft-zollner-scim-interop-profile)
wants it.
"""

from enum import StrEnum

from scim_facade.messages import Rejected, ScimType


class Tolerance(StrEnum):
    """The tolerances there are."""

    PATCH_WITHOUT_PATH = "PATCH_WITHOUT_PATH"
    OPERATION_IN_CAPITALS = "OPERATION_IN_CAPITALS"
    DOTTED_NAME = "DOTTED_NAME"
    TEXT_FOR_BOOLEAN = "TEXT_FOR_BOOLEAN"
    LIST_FOR_ONE_VALUE = "LIST_FOR_ONE_VALUE"
    BARE_VALUE = "BARE_VALUE"
    VALUE_WITHOUT_MATCH = "VALUE_WITHOUT_MATCH"
    UNKNOWN_ATTRIBUTE = "UNKNOWN_ATTRIBUTE"


NEEDED_BY: dict[Tolerance, tuple[str, str]] = {
    Tolerance.PATCH_WITHOUT_PATH: (
        "Okta, Entra",
        'an operation without a path: `{"op": "replace", "value": {"active": false}}`',
    ),
    Tolerance.OPERATION_IN_CAPITALS: ("Entra", "`Add`, `Replace` and `Remove`"),
    Tolerance.DOTTED_NAME: ("Entra", "names of parts as keys of a value: `name.givenName`, `urn:…:User:department`"),
    Tolerance.TEXT_FOR_BOOLEAN: ("Entra without `aadOptscim062020`", '`"True"` and `"False"` for true and false'),
    Tolerance.LIST_FOR_ONE_VALUE: ("several", "a list of one value where there is one: `[false]`"),
    Tolerance.BARE_VALUE: ("Entra", 'a text where an object has a `value`: `"manager": "271"`'),
    Tolerance.VALUE_WITHOUT_MATCH: ("Entra", 'a new value by a path that finds none: `emails[type eq "work"].value`'),
    Tolerance.UNKNOWN_ATTRIBUTE: ("Okta (`password`), others", "attributes that no schema has; they are left out"),
}
"""Who needs a tolerance, and what it accepts."""

_STRICT = (
    "This workspace is strict: it takes only what the standard asks for. Change the mapping in the identity provider, "
    "or let an admin of the workspace switch strictness off."
)


class Tolerances:
    """What one request may be forgiven, and what it was."""

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self.used: set[Tolerance] = set()

    def use(self, tolerance: Tolerance, what: str, scim_type: ScimType = "invalidSyntax") -> None:
        """Forgive `what`, which is the beginning of a sentence; Rejected (400) where the workspace is strict."""
        if self.strict:
            raise Rejected(400, f"{what} is not accepted. {_STRICT}", scim_type)
        self.used.add(tolerance)
