"""Lists of plain objects, completed at once instead of value by value.

graphql-core completes a list by one call of its executor for each field of each object: a page of 50 people with 8
fields is 400. Where a selection takes nothing but attributes, without resolvers, arguments and directives, the answer
comes from functions that are made once for each selection of a document, and that complete a field of all objects at
once. Whatever they cannot do, and any value that is not what its type says, is left to graphql-core, which then does it
or says what is wrong.
"""

from collections.abc import Callable
from itertools import repeat
from operator import attrgetter
from typing import Any

from graphql import (
    Executor,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLLeafType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    SelectionSetNode,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetailsList
from graphql.pyutils import Path
from strawberry.schema.schema_converter import CustomGraphQLEnumType
from strawberry.types.field import StrawberryField

Complete = Callable[[list[Any]], list[Any]]
"""Makes values of an answer of as many values that resolvers gave for one field, or raises."""

Completions = dict[tuple[int, ...], Complete | None]
"""The functions of one document, by the ids of its nodes; None where there can be none."""

_NAME = attrgetter("_name_")  # of an enum's member, without a call of Python
_AS_THEY_ARE: dict[str, type] = {"String": str, "ID": str, "Boolean": bool}


class Unfit(Exception):  # noqa: N818 - no fault, but the sign to take the standard way
    """The selection or the value is none for the short way."""


class ListExecutor(Executor[Any]):
    """graphql-core's executor with a shorter way through lists. `completions` are those of the document that runs."""

    def __init__(self, *args: Any, completions: Completions, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._completions = completions

    def complete_list_value(
        self,
        return_type: GraphQLList[GraphQLOutputType],
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Complete the list at once where that can be done."""
        if type(result) is list and (complete := self._completion(return_type, field_details_list)):
            try:
                return complete(result)
            except Exception:  # noqa: S110 - of whatever kind: the standard way meets it again and reports it
                pass
        return super().complete_list_value(return_type, field_details_list, info, path, result, position_context)

    def _completion(self, list_type: GraphQLList[GraphQLOutputType], details: FieldDetailsList) -> Complete | None:
        key = (id(list_type), *(id(each.node) for each in details))
        if key not in self._completions:
            try:
                for each in details:
                    self._refuse_directives(each.node.selection_set)
                self._completions[key] = self._value(list_type.of_type, details)
            except Unfit:
                self._completions[key] = None
        return self._completions[key]

    def _refuse_directives(self, selections: SelectionSetNode | None) -> None:
        """@skip and @include depend on variables, which a function made for all requests must not."""
        for node in selections.selections if selections else ():
            if node.directives:
                raise Unfit
            if isinstance(node, FragmentSpreadNode):
                self._refuse_directives(self.fragments[node.name.value].definition.selection_set)
            else:
                self._refuse_directives(getattr(node, "selection_set", None))

    def _value(self, type_: GraphQLOutputType, details: FieldDetailsList) -> Complete:
        if is_non_null_type(type_):
            return self._present(type_.of_type, details)
        return _or_null(self._present(type_, details))

    def _present(self, type_: GraphQLOutputType, details: FieldDetailsList) -> Complete:
        """Of values that must not be None."""
        if is_leaf_type(type_):
            return _leaf(type_)
        if is_list_type(type_):
            return _list(self._value(type_.of_type, details))
        if is_object_type(type_):
            return self._object(type_, details)
        raise Unfit

    def _object(self, type_: GraphQLObjectType, details: FieldDetailsList) -> Complete:
        keys: list[str] = []
        fields: list[tuple[Callable[[Any], Any], Complete]] = []
        for key, selected in self.collect_subfields(type_, details).grouped_field_set.items():
            name = selected[0].node.name.value
            keys.append(key)
            if name == "__typename":
                fields.append((type, lambda values: [type_.name] * len(values)))
            else:
                field = type_.fields[name]
                fields.append((attrgetter(_attribute(field)), self._value(field.type, selected)))
        its_class = type_.extensions["strawberry-definition"].origin if type_.is_type_of else None

        def of(values: list[Any]) -> list[Any]:
            if its_class is not None:
                _refuse_others(values, its_class)
            elif None in values:
                raise Unfit
            columns = [complete(list(map(read, values))) for read, complete in fields]
            return list(map(dict, map(zip, repeat(keys), zip(*columns, strict=True))))

        return of


def _attribute(field: GraphQLField) -> str:
    """The attribute that a field is read from, where it is nothing more."""
    definition = field.extensions.get("strawberry-definition")
    if field.args or not isinstance(definition, StrawberryField) or not definition.is_basic_field:
        raise Unfit
    return definition.python_name


def _refuse_others(values: list[Any], its_class: type) -> None:
    if not {its_class}.issuperset(map(type, values)):
        raise Unfit


def _or_null(present: Complete) -> Complete:
    def of(values: list[Any]) -> list[Any]:
        if None not in values:
            return present(values)
        there = iter(present([value for value in values if value is not None]))
        return [None if value is None else next(there) for value in values]

    return of


def _list(items: Complete) -> Complete:
    def of(values: list[Any]) -> list[Any]:
        _refuse_others(values, list)
        return list(map(items, values))

    return of


def _leaf(type_: GraphQLLeafType) -> Complete:
    if isinstance(type_, CustomGraphQLEnumType):
        its_class: Any = type_.wrapped_cls

        def names_of(values: list[Any]) -> list[Any]:
            _refuse_others(values, its_class)
            return list(map(_NAME, values))

        return names_of
    coerce, as_it_is = type_.coerce_output_value, _AS_THEY_ARE.get(type_.name)

    def of(values: list[Any]) -> list[Any]:
        if {as_it_is}.issuperset(map(type, values)):
            return values
        coerced = list(map(coerce, values))
        if None in coerced:
            raise Unfit
        return coerced

    return of
