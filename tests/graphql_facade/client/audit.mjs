// The public audits of the GraphQL-over-HTTP specification (npm: graphql-http) against the server at an address.
import { auditServer } from 'graphql-http'

const results = await auditServer({ url: process.argv[2] })
console.log(JSON.stringify(results.map(({ id, name, status, reason }) => ({ id, name, status, reason: reason ?? null }))))
