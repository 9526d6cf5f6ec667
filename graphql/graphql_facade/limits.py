"""How large an operation may be. What is larger is refused before it is validated, and the error names the limit.

Fragments count wherever they are spread, each measured once, so that nesting them multiplies nothing here.
"""

from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

MAX_DEPTH = 8  # fields within fields
MAX_ALIASES = 15
MAX_ROOT_FIELDS = 10
MAX_SIGN_INS = 1
MAX_TOKENS = 1_000
MAX_CHARACTERS = 32_768  # what the cache of documents holds is bounded by this

_SIGN_IN = "signIn"


@dataclass(frozen=True, slots=True)
class Size:
    """What a selection set comes to: levels of fields, aliases at all levels, its own fields and sign-ins."""

    depth: int = 0
    aliases: int = 0
    fields: int = 0
    sign_ins: int = 0

    def __add__(self, other: "Size") -> "Size":
        return Size(
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            self.fields + other.fields,
            self.sign_ins + other.sign_ins,
        )


def limit_errors(document: DocumentNode) -> list[GraphQLError]:
    """What is too large about a document's operations."""
    measure = _Measure(document)
    return [
        error
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode)
        for error in _too_large(definition, measure.of(definition.selection_set))
    ]


def _too_large(operation: OperationDefinitionNode, size: Size) -> list[GraphQLError]:
    found = (
        (size.depth, MAX_DEPTH, "levels of fields"),
        (size.aliases, MAX_ALIASES, "aliases"),
        (size.fields, MAX_ROOT_FIELDS, "root fields"),
        (size.sign_ins, MAX_SIGN_INS, "sign-ins"),
    )
    return [
        GraphQLError(
            f"An operation may have {limit} {what} at most; this one has more.",
            operation,
            extensions={"code": "LIMIT_EXCEEDED", "limit": limit},
        )
        for number, limit, what in found
        if number > limit
    ]


def fragments_of(document: DocumentNode) -> dict[str, SelectionSetNode]:
    """What each fragment of a document selects, by its name."""
    return {
        definition.name.value: definition.selection_set
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }


class _Measure:
    """Sizes of a document's selection sets."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = fragments_of(document)
        self._sizes: dict[str, Size] = {}

    def of(self, selections: SelectionSetNode | None) -> Size:
        """The size of a selection set."""
        return sum(map(self._selected, selections.selections if selections else ()), Size())

    def _selected(self, selection: SelectionNode) -> Size:
        if isinstance(selection, FieldNode):
            return self._field(selection)
        if isinstance(selection, InlineFragmentNode):
            return self.of(selection.selection_set)
        assert isinstance(selection, FragmentSpreadNode)  # noqa: S101 - there is no fourth kind
        return self._fragment(selection.name.value)

    def _field(self, field: FieldNode) -> Size:
        name = field.name.value
        # Tools ask for the schema many levels deep; where that is not allowed, another rule says so.
        within = Size() if name.startswith("__") else self.of(field.selection_set)
        return Size(
            depth=within.depth + 1,
            aliases=within.aliases + (field.alias is not None),
            fields=1,
            sign_ins=int(name == _SIGN_IN),
        )

    def _fragment(self, name: str) -> Size:
        if name not in self._sizes:
            fragment = self._fragments.get(name)
            self._sizes[name] = Size()  # for a fragment within itself, which validation refuses
            self._sizes[name] = self.of(fragment)
        return self._sizes[name]
