"""The domain's names of fields as GraphQL spells them."""

# Where the input's name of a field is not the domain's in camel case.
_SPELLINGS = {"emails": "email", "emails.value": "email", "text": "filter.query"}


def camel_case(name: str) -> str:
    """`user_name` as `userName`."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def input_path(field: str) -> list[str]:
    """The way to a field of the domain in an input or a field's arguments: `emails.value` as `["email"]`."""
    return [camel_case(name) for name in _SPELLINGS.get(field, field).split(".")]
