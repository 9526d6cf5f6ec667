"""Users: a person in one workspace; the membership itself."""
