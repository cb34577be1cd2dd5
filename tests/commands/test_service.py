"""The commands that run the service, and how the process of a command ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.commands.calling import Call, Said, is_one_sentence


def test_keys_users_policy_and_database_answer_in_json(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = ("--home", str(tmp_path), "--json")
    assert call("migrate", *home).document == {"migrated": True}
    assert call("keys", "create", "--role", "reviewer", *home).document["key"].startswith("msk_")
    monkeypatch.setenv("MSCORE_NEW_PASSWORD", "correct horse battery")
    assert call("users", "add", "ria", "--role", "reviewer", *home).document == {"name": "ria", "role": "reviewer"}
    assert is_one_sentence(call("users", "add", "ria", "--role", "reviewer", *home))
    assert call("policy", "check", "--json").document["rules"]


def test_keys_and_users_are_listed_and_ended(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = ("--home", str(tmp_path), "--json")
    assert "no user" in call("users", "list", "--home", str(tmp_path)).out
    made = call("keys", "create", "--role", "risk_system", "--client", "wallet", "--days", "30", *home).document
    call("keys", "revoke", call("keys", "create", "--role", "auditor", *home).document["key"], *home)
    keys = call("keys", "list", *home).document["keys"]
    assert [(key["client"], key["role"], key["in_force"]) for key in keys] == [
        ("wallet", "risk_system", True),
        ("default", "auditor", False),
    ]
    assert made["expires_at"] == keys[0]["expires_at"] is not None
    assert made["key"].split("_")[2] not in json.dumps(keys)
    monkeypatch.setenv("MSCORE_NEW_PASSWORD", "correct horse battery")
    call("users", "add", "ria", "--role", "reviewer", *home)
    assert call("users", "sign-out", "ria", *home).document == {"name": "ria", "sessions_ended": 0}
    assert call("users", "password", "ria", *home).document == {"name": "ria", "changed": True}
    assert call("users", "disable", "ria", *home).document == {"name": "ria", "disabled": True}
    assert call("users", "list", *home).document["users"][0]["disabled_at"] is not None
    for command in ("sign-out", "disable", "password"):
        assert is_one_sentence(call("users", command, "tom", *home))


def test_a_server_says_its_address_as_the_one_document(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("serving.commands.serve.serve_app", lambda *_: None)
    said = call("serve", "--home", str(tmp_path), "--json")
    assert said.document == {"address": "http://127.0.0.1:8000"}


def test_the_installed_command_ends_with_the_same_codes() -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "serving.cli", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    right = run("--help")
    assert (right.returncode, right.stderr) == (0, "")
    wrong = run("nonsense")
    assert is_one_sentence(Said(wrong.returncode, wrong.stdout, wrong.stderr))


def test_a_server_that_is_interrupted_complains_of_nothing(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "serving.cli", "serve", "--home", str(tmp_path)]
    environment = {**os.environ, "MSCORE_PORT": port}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            for _ in range(300):
                if answers(f"http://127.0.0.1:{port}/healthz"):
                    break
                time.sleep(0.2)
            server.send_signal(signal.SIGINT)
            said, complaint = server.communicate(timeout=60)
        finally:
            server.kill()
    assert said == f"mscore serves http://127.0.0.1:{port}\n"
    assert {json.loads(line)["path"] for line in complaint.splitlines()} == {"/healthz"}


def answers(url: str) -> bool:
    """Whether anybody answers there."""
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False
