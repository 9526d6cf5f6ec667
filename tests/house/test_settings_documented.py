"""Whatever an operator can set is said where an operator looks."""

import subprocess
import sys

import pytest

from headcount.settings import PREFIX, Settings
from tests.house.tree import ROOT

VARIABLES = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
OTHERS = [f"{PREFIX}SETTINGS_FILE", f"{PREFIX}OWNER_PASSWORD", f"{PREFIX}USER_PASSWORD", f"{PREFIX}STAFF_PASSWORD"]


@pytest.fixture(scope="module")
def help_text() -> str:
    """What `headcount serve --help` prints."""
    words = [sys.executable, "-m", "headcount", "serve", "--help"]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_setting_is_in_the_help_of_serve(variable: str, help_text: str) -> None:
    assert variable in help_text


@pytest.mark.parametrize("variable", VARIABLES + OTHERS)
def test_a_setting_is_in_the_operator_s_handbook(variable: str) -> None:
    assert f"`{variable}`" in (ROOT / "docs" / "operations.md").read_text()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_says_what_it_is_for(name: str) -> None:
    assert Settings.model_fields[name].description


def test_every_variable_that_the_program_reads_is_one_of_these() -> None:
    """What is documented and not read is as misleading as the other way round."""
    known = {*VARIABLES, *OTHERS, f"{PREFIX}REHEARSAL_TOKEN"}
    said = (ROOT / "docs" / "operations.md").read_text().split("`")
    assert {word for word in said if word.startswith(PREFIX) and word.isupper()} <= known
