"""What an operator can set, and what is refused."""

import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from headcount.settings import Environment, Settings, load_settings, write_secret

STRONG = "0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HEADCOUNT_{name.upper()}", raising=False)
    monkeypatch.delenv("HEADCOUNT_SETTINGS_FILE", raising=False)


def loaded(**given: object) -> Settings:
    """The settings where these variables are set."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in given.items():
            environment.setenv(f"HEADCOUNT_{name.upper()}", str(value))
        return load_settings()


def production(**more: object) -> Settings:
    """Settings that production accepts."""
    return loaded(**{"base_domain": "product.example", "secret_key": STRONG, **more})


def test_production_is_what_there_is_unless_said_otherwise() -> None:
    settings = production()
    assert settings.environment is Environment.PRODUCTION
    assert not settings.is_development
    assert settings.host == "127.0.0.1"
    assert settings.access_log is False


@pytest.mark.parametrize("weak", ["", "short", "a" * 64, "abcabcabc" * 8, "x" * 31])
def test_production_refuses_a_missing_or_weak_secret(weak: str) -> None:
    with pytest.raises(ValidationError, match="HEADCOUNT_SECRET_KEY is missing or weak"):
        production(secret_key=weak)


def test_development_refuses_a_weak_secret_too() -> None:
    with pytest.raises(ValidationError, match="HEADCOUNT_SECRET_KEY"):
        loaded(environment="development", secret_key="weak")


def test_production_refuses_to_guess_its_domain() -> None:
    with pytest.raises(ValidationError, match="HEADCOUNT_BASE_DOMAIN is not set"):
        loaded(secret_key=STRONG)


def test_development_makes_a_secret_once_and_keeps_it_to_itself(tmp_path: Path) -> None:
    first = loaded(environment="development")
    kept = tmp_path / "var" / "secret-key"
    assert first.secret_key.get_secret_value() == kept.read_text()
    assert len(kept.read_text()) >= 32
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert loaded(environment="development").secret_key == first.secret_key
    assert first.base_domain == "localhost"


def test_a_secret_is_in_no_picture_of_the_settings() -> None:
    assert STRONG not in repr(production())
    assert STRONG not in str(production().model_dump())


def test_the_addresses_of_a_workspace() -> None:
    assert production().workspace_url("acme") == "https://acme.product.example"
    assert production().scim_base_url("acme") == "https://acme.api.product.example/api/scim/v2"
    development = loaded(environment="development", port=8001)
    assert development.workspace_url("acme") == "http://acme.localhost:8001"
    assert development.scim_base_url("acme") == "http://acme.api.localhost:8001/api/scim/v2"


def test_variables_go_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "headcount.env").write_text(
        f"HEADCOUNT_SECRET_KEY={STRONG}\nHEADCOUNT_BASE_DOMAIN=file.example\nHEADCOUNT_PORT=1\n"
    )
    settings = loaded(port=2)
    assert (settings.base_domain, settings.port) == ("file.example", 2)


def test_a_file_may_be_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "elsewhere.conf"
    file.write_text(f"HEADCOUNT_SECRET_KEY={STRONG}\nHEADCOUNT_BASE_DOMAIN=elsewhere.example\nOTHER=1\n")
    monkeypatch.setenv("HEADCOUNT_SETTINGS_FILE", str(file))
    assert load_settings().base_domain == "elsewhere.example"


def test_a_file_that_was_named_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADCOUNT_SETTINGS_FILE", "/nowhere/at/all.env")
    with pytest.raises(FileNotFoundError, match="HEADCOUNT_SETTINGS_FILE"):
        production()


@pytest.mark.parametrize("wrong", [{"port": 70_000}, {"port": "x"}, {"environment": "prod"}, {"access_log": "perhaps"}])
def test_values_that_cannot_be_are_refused_by_name(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        production(**wrong)
    assert caught.value.errors()[0]["loc"] == (next(iter(wrong)),)


def test_a_written_secret_replaces_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "a" / "secret"
    write_secret(file, "a longer one")
    write_secret(file, "short")
    assert file.read_text() == "short"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
