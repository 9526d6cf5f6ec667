"""GraphQL documents: read, measured and validated once for however many requests bring the same text."""

from collections.abc import Iterator
from dataclasses import dataclass

from cachetools import LRUCache
from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    parse,
    specified_rules,
)
from graphql.validation import NoSchemaIntrospectionCustomRule
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document

from graphql_facade.limits import MAX_CHARACTERS, MAX_TOKENS, limit_errors

_KEPT = 256


@dataclass(frozen=True, slots=True)
class Document:
    """A document that could be read, and what is wrong with it."""

    node: DocumentNode
    errors: list[GraphQLError]


class Documents:
    """The documents that clients send; mostly the same few."""

    def __init__(self, *, introspection: bool) -> None:
        forbidden: tuple[type[ASTValidationRule], ...] = () if introspection else (NoSchemaIntrospectionCustomRule,)
        self._rules = (*specified_rules, *forbidden)
        self._known: LRUCache[str, Document] = LRUCache(_KEPT)

    def document(self, text: str, schema: GraphQLSchema) -> Document:
        """The document of a text, or GraphQLError where it cannot be read."""
        known = self._known.get(text)
        if known is None:
            node = parse(text, max_lexical_tokens=MAX_TOKENS, max_comments=MAX_TOKENS, max_source_length=MAX_CHARACTERS)
            errors = limit_errors(node) or validate_document(schema, node, self._rules)
            known = self._known[text] = Document(node, errors)
        return known


class KnownDocuments(SchemaExtension):
    """Gives an execution the document that `Documents` knows, in place of reading and validating it anew."""

    def __init__(self, documents: Documents) -> None:
        super().__init__()
        self._documents = documents

    def on_parse(self) -> Iterator[None]:
        """Take the document."""
        self.execution_context.graphql_document = self._document().node
        yield

    def on_validate(self) -> Iterator[None]:
        """Take what is wrong with it."""
        document = self._document()
        unnamed = self.execution_context._provided_operation_name is None
        self.execution_context.pre_execution_errors = document.errors or (_which(document.node) if unnamed else [])
        yield

    def _document(self) -> Document:
        execution = self.execution_context
        return self._documents.document(execution.query or "", execution.schema._schema)


def _which(node: DocumentNode) -> list[GraphQLError]:
    """Refuse to guess which of several operations is meant (GraphQL, 6.1: GetOperation); strawberry takes the first."""
    operations = [each for each in node.definitions if isinstance(each, OperationDefinitionNode)]
    return [GraphQLError("`operationName` must say which of the operations to run.")] if len(operations) > 1 else []
