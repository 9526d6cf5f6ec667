"""Text as the domain compares it, and text that every engine can keep.

Key columns hold what `canonical` makes of the column beside it. Done here and not by a database's collation,
because SQLite folds ASCII only and PostgreSQL's answer depends on the server's locale: two engines would
disagree on who is who.
"""

import re
import unicodedata

MAX_TEXT = 1_000  # characters of any one value

# What nobody sees: Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties.txt.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def canonical(text: str) -> str:
    """The form in which two spellings of one name are equal: Unicode's NFKC_Casefold (UAX #31, R5).

    Case, width and composition are folded; variation selectors, fillers and format characters (zero-width joiners
    and the like) are dropped.
    """
    if text.isascii():
        return text.lower()
    before = ""
    while text != before:  # a character that goes may leave two together that compose: e, U+200B, U+0301
        before = text
        seen = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text.casefold()))
        text = "".join(c for c in seen if unicodedata.category(c) != "Cf")
    return text


def unstorable(text: str) -> str | None:
    """Why no engine can be asked to keep this text, as the end of a sentence; None where all can."""
    if "\x00" in text:
        return "must not contain the character U+0000"  # PostgreSQL keeps none
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        return "must not contain a lone surrogate"  # UTF-8 has none
    return None
