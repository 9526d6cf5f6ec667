// What a product team writes against the generated types. It is compiled and not run.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import {
  ChangesDocument,
  CreateDocument,
  type CreateMutationVariables,
  PeopleDocument,
  type PeopleQuery,
  SupportDocument,
  ThingDocument,
} from './generated/graphql.js'

declare function run<Data, Variables>(
  document: { toString(): string; __apiType?: (variables: Variables) => Data },
  variables: Variables,
): Promise<Data>

export const names = (page: PeopleQuery): string[] =>
  page.viewer.workspace.users.nodes.map((person) => `${person.displayName} <${person.email ?? '-'}>`)

export async function walk(): Promise<string[]> {
  const page = await run(PeopleDocument, { first: 50, filter: { status: ['ACTIVE'], role: null } })
  const cursor: string | null | undefined = page.viewer.workspace.users.pageInfo.endCursor
  const left: number = page.rateLimit.remaining
  return [...names(page), cursor ?? '', `${left}`]
}

export async function create(input: CreateMutationVariables['input']): Promise<string> {
  const { userCreate: made } = await run(CreateDocument, { input })
  switch (made.__typename) {
    case 'UserCreatePayload':
      return made.user.id
    case 'InvalidInput':
      return made.issues.map((issue) => issue.path.join('.')).join(', ')
    case 'Forbidden':
      return `needs ${made.requires}`
    default:
      return `${made.code}: ${made.message}`
  }
}

export async function mistakes(): Promise<void> {
  const page = await run(PeopleDocument, { first: 1 })
  // @ts-expect-error there is no such field
  page.viewer.workspace.users.nodes.map((person) => person.shoeSize)
  // @ts-expect-error `first` is a number
  await run(PeopleDocument, { first: 'many' })
  // @ts-expect-error a moment is text
  const moment: Date = page.viewer.workspace.users.nodes[0]!.createdAt
  // @ts-expect-error exactly one of them
  await run(SupportDocument, { by: { id: 'wsp_1', subdomain: 'acme' } })
  await run(SupportDocument, { by: { subdomain: 'acme' } })
  const thing = await run(ThingDocument, { id: 'usr_1' })
  if (thing.node?.__typename === 'AuditEvent') thing.node.changes.map((change) => change.before)
  void moment
  void ChangesDocument
}

export type Known = TypedDocumentNode<PeopleQuery>
