"""The GraphQL API: the door for the product's settings pages."""
