"""SCIM 2.0 (RFC 7643, 7644): the door for identity providers."""
