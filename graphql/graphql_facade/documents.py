"""GraphQL documents: read, measured and validated once for however many requests bring the same text."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cachetools import LRUCache
from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
)
from graphql.validation import NoSchemaIntrospectionCustomRule
from strawberry.schema.schema import validate_document

from graphql_facade.costs import Cost
from graphql_facade.limits import MAX_CHARACTERS, MAX_TOKENS, limit_errors
from graphql_facade.lists import Completions

_KEPT = 256


@dataclass(frozen=True, slots=True)
class Operation:
    """What is known of an operation before it is run."""

    kind: OperationType
    cost: Cost


@dataclass(frozen=True, slots=True)
class Document:
    """A document that could be read, what is wrong with it, and its operations by name where nothing is."""

    node: DocumentNode
    errors: list[GraphQLError]
    operations: Mapping[str, Operation]
    completions: Completions = field(default_factory=dict)

    def operation(self, name: str | None) -> Operation:
        """The operation to run, or GraphQLError where that is left open (GraphQL, 6.1: GetOperation)."""
        if name is None and len(self.operations) > 1:
            raise GraphQLError("`operationName` must say which of the operations to run.")
        found = next(iter(self.operations.values()), None) if name is None else self.operations.get(name)
        if found is None:
            raise GraphQLError("There is no such operation in the document.")
        return found


class Documents:
    """The documents that clients send; mostly the same few."""

    def __init__(self, schema: GraphQLSchema, *, introspection: bool) -> None:
        forbidden: tuple[type[ASTValidationRule], ...] = () if introspection else (NoSchemaIntrospectionCustomRule,)
        self._schema = schema
        self._rules = (*specified_rules, *forbidden)
        self._known: LRUCache[str, Document] = LRUCache(_KEPT)

    def document(self, text: str) -> Document:
        """The document of a text, or GraphQLError where it cannot be read."""
        known = self._known.get(text)
        if known is None:
            node = parse(text, max_lexical_tokens=MAX_TOKENS, max_comments=MAX_TOKENS, max_source_length=MAX_CHARACTERS)
            errors = limit_errors(node) or validate_document(self._schema, node, self._rules)
            known = self._known[text] = Document(node, errors, {} if errors else _operations(node))
        return known


def _operations(node: DocumentNode) -> dict[str, Operation]:
    every = (each for each in node.definitions if isinstance(each, OperationDefinitionNode))
    return {each.name.value if each.name else "": Operation(each.operation, Cost(each, node)) for each in every}
