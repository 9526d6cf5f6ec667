"""Text as the domain compares it. Every key column holds what `canonical` makes of the column beside it.

Done here and not by a database's collation, because SQLite folds ASCII only and PostgreSQL's answer
depends on the server's locale: two engines would disagree on who is who.
"""

import unicodedata


def canonical(text: str) -> str:
    """The form in which two spellings of one name are equal: Unicode's NFKC_Casefold (UAX #31, R5).

    Case, width and composition are folded and format characters (zero-width joiners and the like) dropped.
    """
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(c for c in folded if unicodedata.category(c) != "Cf")
