"""Tests of the settings."""

import stat
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from features.kernel.errors import Invalid
from serving.settings import Settings, secret_of_home


def test_the_database_stands_in_the_home_folder_unless_a_url_is_given(tmp_path: Path) -> None:
    assert Settings(home=tmp_path).resolved_database_url() == f"sqlite:///{tmp_path / 'mscore.db'}"
    assert Settings(home=tmp_path, database_url="sqlite:////x.db").resolved_database_url() == "sqlite:////x.db"


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MSCORE_HOME", str(tmp_path))
    monkeypatch.setenv("MSCORE_PORT", "8123")
    monkeypatch.setenv("MSCORE_DATABASE_URL", "sqlite:////elsewhere.db")
    settings = Settings()
    assert (settings.home, settings.port, settings.database_url) == (tmp_path, 8123, "sqlite:////elsewhere.db")


def test_the_secret_of_a_home_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    first = secret_of_home(tmp_path / "home")
    assert secret_of_home(tmp_path / "home") == first
    assert len(first) >= 32
    assert stat.S_IMODE((tmp_path / "home" / "session.secret").stat().st_mode) == 0o600
    assert secret_of_home(tmp_path / "other") != first


def test_production_refuses_a_default_secret(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="MSCORE_SESSION_SECRET is not set"):
        Settings(home=tmp_path, environment="production").resolved_session_secret()


@pytest.mark.parametrize("weak", ["short", "x" * 60])
def test_a_weak_secret_is_refused_everywhere(tmp_path: Path, weak: str) -> None:
    with pytest.raises(Invalid, match="at least 32 random"):
        Settings(home=tmp_path, session_secret=SecretStr(weak)).resolved_session_secret()


def test_an_impossible_port_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        Settings(home=tmp_path, port=70_000)
