"""A decision that could be undone by accident is on one page, and says what would notice."""

import re

from tests.house.tree import ROOT, files

DECISIONS = [path for path in files(".md") if path.match("docs/decisions/*.md")]
MAX_LINES = 60


def test_decisions_are_numbered_without_gaps() -> None:
    assert sorted(path.name[:4] for path in DECISIONS) == [f"{at + 1:04}" for at in range(len(DECISIONS))]


def test_a_decision_is_one_page_whose_last_paragraph_names_what_keeps_it() -> None:
    for path in DECISIONS:
        text = (ROOT / path).read_text()
        assert text.startswith(f"# {int(path.name[:4])}. "), path
        assert len(text.splitlines()) <= MAX_LINES, path
        last = text.strip().rpartition("\n\n")[2]
        assert last.startswith("**Kept by**"), path
        named = re.findall(r"`([a-z_]+/[\w./-]+)`", last)
        assert named or "ruff" in last or "import" in last, path
        for name in named:
            assert (ROOT / name).exists(), f"{path} names {name}"
