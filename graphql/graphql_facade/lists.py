"""Lists of plain objects, completed at once instead of value by value.

graphql-core completes a list by one call of its executor for each field of each object: a page of 50 people with 8
fields is 400. Where a selection takes nothing but attributes, without resolvers, arguments and directives, the answer
comes from functions that are made once for each selection of a document. Whatever they cannot do, and any value that is
not what its type says, is left to graphql-core, which then does it or says what is wrong.
"""

from collections.abc import Callable, Mapping
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

Complete = Callable[[Any], Any]
"""Makes a value of an answer of a value that a resolver gave, or raises Unfit."""

Completions = dict[tuple[int, ...], Complete | None]
"""The functions of one document, by the ids of its nodes; None where there can be none."""

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
                return [complete(item) for item in result]
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
        present = self._present(type_, details)
        return lambda value: None if value is None else present(value)

    def _present(self, type_: GraphQLOutputType, details: FieldDetailsList) -> Complete:
        """Of a value that must not be None."""
        if is_leaf_type(type_):
            return _leaf(type_)
        if is_list_type(type_):
            return _list(self._value(type_.of_type, details))
        if is_object_type(type_):
            return self._object(type_, details)
        raise Unfit

    def _object(self, type_: GraphQLObjectType, details: FieldDetailsList) -> Complete:
        keys: list[str] = []
        attributes: list[str] = []
        completes: list[tuple[type, Complete]] = []
        for key, selected in self.collect_subfields(type_, details).grouped_field_set.items():
            name = selected[0].node.name.value
            keys.append(key)
            if name == "__typename":
                attributes.append("__class__")
                completes.append((_Nothing, lambda _: type_.name))
            else:
                field = type_.fields[name]
                attributes.append(_attribute(field))
                completes.append((_as_it_is(field.type), self._value(field.type, selected)))
        read = attrgetter("__class__", *attributes)  # with one attribute it would not give a tuple

        def of(value: Any) -> dict[str, Any]:
            if value is None:
                raise Unfit
            values = zip(keys, completes, read(value)[1:], strict=True)
            return {
                key: each if each.__class__ is as_it_is else complete(each)
                for key, (as_it_is, complete), each in values
            }

        return of


class _Nothing:
    """No value's class."""


def _as_it_is(type_: GraphQLOutputType) -> type:
    """The class of values that need no completing, which are most."""
    named = type_.of_type if is_non_null_type(type_) else type_
    return _AS_THEY_ARE.get(getattr(named, "name", ""), _Nothing)


def _attribute(field: GraphQLField) -> str:
    """The attribute that a field is read from, where it is nothing more."""
    definition = field.extensions.get("strawberry-definition")
    if field.args or not isinstance(definition, StrawberryField) or not definition.is_basic_field:
        raise Unfit
    return definition.python_name


def _list(item: Complete) -> Complete:
    def of(value: Any) -> list[Any]:
        if type(value) is not list:
            raise Unfit
        return [item(each) for each in value]

    return of


def _leaf(type_: GraphQLLeafType) -> Complete:
    coerce = type_.coerce_output_value
    if isinstance(type_, CustomGraphQLEnumType):
        members: Mapping[str, Any] = type_.wrapped_cls.__members__
        names = {member: name for name, member in members.items()}
        return lambda value: names.get(value) or _given(coerce(value))
    known = _AS_THEY_ARE.get(type_.name)
    return lambda value: value if value.__class__ is known else _given(coerce(value))


def _given(value: Any) -> Any:
    if value is None:
        raise Unfit
    return value
