"""The rehearsal: plays against any SCIM 2.0 base URL what an identity provider sends, and says what came back.

`player.rehearse` is the entry. What the provider sends is data: one folder for each provider, one JSON file
for each case, every file with its public source (`cases` says how they are written).
"""
