"""What an operation costs, known from its document and variables before anything of it is run.

Every field with fields of its own costs one point, a mutation ten more; what is within the `nodes` or `edges` of a list
counts as often as the page may have rows: a page of 50 people with their groups costs 50 x 2 and the way to it.
"""

from collections import Counter
from collections.abc import Mapping
from math import prod

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)

from graphql_facade.limits import fragments_of
from service.pages import MAX_SIZE

MAX_COST = 1_000
"""Of one operation."""

_OF_A_MUTATION = 10
_ROWS = ("nodes", "edges")
_SIZES = ("first", "last")

_Points = Counter[tuple[str, ...]]
"""Points to be multiplied by the sizes of pages that these variables hold: a sum of products, made once."""


class Cost:
    """The cost of one operation of a valid document."""

    def __init__(self, operation: OperationDefinitionNode, document: DocumentNode) -> None:
        self._defaults = {
            each.variable.name.value: int(each.default_value.value)
            for each in operation.variable_definitions or ()
            if isinstance(each.default_value, IntValueNode)
        }
        points = _Measure(document).within(operation.selection_set, 1)
        if operation.operation is OperationType.MUTATION:
            points[()] += _OF_A_MUTATION * len(operation.selection_set.selections)
        self._points = tuple(points.items())

    def of(self, variables: Mapping[str, object] | None) -> int:
        """The points with these variables."""
        sizes = {**self._defaults, **(variables or {})}
        return sum(points * prod(_bounded(sizes.get(name)) for name in names) for names, points in self._points)


class _Measure:
    """The points of selection sets; each fragment is measured once for each kind of list that it is spread in."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = fragments_of(document)
        self._known: dict[tuple[str, int | str], _Points] = {}

    def within(self, selections: SelectionSetNode | None, rows: int | str) -> _Points:
        """`rows`: how many the list has whose fields these are, or the variable that says so."""
        return sum((self._of(each, rows) for each in selections.selections) if selections else (), _Points())

    def _of(self, selection: SelectionNode, rows: int | str) -> _Points:
        if isinstance(selection, FieldNode):
            return self._of_field(selection, rows)
        if isinstance(selection, InlineFragmentNode):
            return self.within(selection.selection_set, rows)
        assert isinstance(selection, FragmentSpreadNode)  # noqa: S101 - there is no fourth kind
        name = selection.name.value
        if (name, rows) not in self._known:
            self._known[name, rows] = self.within(self._fragments[name], rows)
        return self._known[name, rows]

    def _of_field(self, field: FieldNode, rows: int | str) -> _Points:
        if field.selection_set is None:
            return _Points()
        points = self.within(field.selection_set, _size(field.arguments)) + _Points({(): 1})
        return _times(points, rows) if field.name.value in _ROWS else points


def _times(points: _Points, rows: int | str) -> _Points:
    if isinstance(rows, int):
        return _Points({names: each * rows for names, each in points.items()})
    return _Points({(*names, rows): each for names, each in points.items()})


def _size(arguments: tuple[ArgumentNode, ...] | None) -> int | str:
    """How many rows the page may have that a field asks for, or the variable that says so."""
    for argument in arguments or ():
        if argument.name.value in _SIZES:
            if isinstance(argument.value, IntValueNode):
                return _bounded(int(argument.value.value))
            if isinstance(argument.value, VariableNode):
                return argument.value.name.value
    return 1


def _bounded(number: object) -> int:
    """A page that is too large is refused by the list itself, in its own words."""
    return max(1, min(number, MAX_SIZE)) if isinstance(number, int) else 1
