"""When two spellings are one name."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.text import canonical, unstorable

# Letters, what combines with them, and what nobody sees: the mixtures in which normal forms go wrong.
HARD = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("aeioßſİŉǰΣςσΐΰﬀﬃＡａ１①ªKÅẞ"),  # noqa: RUF001 - on purpose
        st.sampled_from("\u0300\u0301\u0308\u0323\u0327\u0345\u0315\u1dfa"),
        st.sampled_from("\u00ad\u034f\u200b\u200d\u2060\ufe0f\u3164\u115f\U000e0101\u0600"),
    )
)
DOTLESS_I = "\u0131"  # its capital is the capital of another letter: Unicode keeps the two apart


@given(HARD)
def test_the_canonical_form_of_a_canonical_form_is_itself(text: str) -> None:
    assert canonical(canonical(text)) == canonical(text)


@given(HARD.filter(lambda text: DOTLESS_I not in text))
def test_case_makes_no_difference(text: str) -> None:
    assert canonical(text.upper()) == canonical(text) == canonical(text.lower())


@given(HARD, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_composition_and_width_make_no_difference(text: str, form: str) -> None:
    assert canonical(unicodedata.normalize(form, text)) == canonical(text)  # type: ignore[arg-type]


def test_every_character_keeps_the_laws_by_itself() -> None:
    every = (chr(code) for code in (*range(0xD800), *range(0xE000, 0x33480), *range(0xE0000, 0xE0200)))
    wrong = [c for c in every if canonical(canonical(c)) != canonical(c) or canonical(c.lower()) != canonical(c)]
    assert wrong == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ALICE", "alice"),
        ("Straße", "STRASSE"),
        ("ΌΔΟΣ", "όδος"),
        ("\uff41lice", "alice"),
        ("e\u0301", "\u00e9"),
        ("e\u200b\u0301", "\u00e9"),
        ("ﬁnn", "FINN"),
        ("al\u200bice", "alice"),
        ("al\u00adice", "alice"),
        ("alice\ufe0f", "alice"),
        ("\u3164alice", "alice"),
        ("alice\U000e0101", "alice"),
        ("al\u034fice", "alice"),
    ],
)
def test_spellings_of_one_name_are_equal(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("alice", "alic\u0435"), ("resume", "résumé"), ("a", "b"), ("i", DOTLESS_I), ("alice", "alice1"), ("a.b", "ab")],
)
def test_different_names_stay_different(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize(("text", "word"), [("a\x00b", "U+0000"), ("a\ud800", "surrogate"), ("\udfff", "surrogate")])
def test_what_an_engine_cannot_keep_is_named(text: str, word: str) -> None:
    assert word in (unstorable(text) or "")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
def test_everything_else_can_be_kept(text: str) -> None:
    assert unstorable(text) is None
