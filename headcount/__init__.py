"""Headcount: user management for a product, over GraphQL and SCIM 2.0."""
