"""What the holder is told names no list, threshold, detector, address or counterparty (clause 7.4.5)."""

from pathlib import Path

import pytest

from features.derivation.deriving import episode_measures
from features.kernel.errors import Invalid
from serving.policy.holder_messages import FILE, load_messages
from serving.policy.terms import TYPOLOGIES
from tests.serving.policy.fields import POLICY
from tests.serving.policy.test_loading import load, rule_with

SECRET = {
    "list",
    "sanctions",
    "listed",
    "watchlist",
    "score",
    "model",
    "anomaly",
    "threshold",
    "counterparty",
    "linked",
}
SECRET |= {"suspicion", "suspicious", "pattern", "detected", "court", "order", "criminal", "takeover", "ring", "linked"}
FINDINGS = {name.replace("_", " ") for name in (*TYPOLOGIES, *episode_measures())}


@pytest.mark.parametrize("family", POLICY.messages)
def test_a_message_gives_nothing_away(family: str) -> None:
    message = POLICY.messages[family].text
    words = {word.strip(".,;:").lower() for word in message.split()}
    assert not words & SECRET
    assert not [finding for finding in FINDINGS if finding in message.lower()]
    allowed = "24" if family == "cooling_off" else ""
    assert "".join(filter(str.isdigit, message)) == allowed


def test_every_message_is_used_and_every_rule_has_one() -> None:
    used = {rule.holder_message for rule in POLICY.rules}
    assert used | {"incomplete"} == POLICY.messages.keys()


def test_a_rule_with_a_message_that_nobody_wrote_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="no message 'soothing' for holders; choose one of verification"):
        load(tmp_path, rule_with(holder_message="soothing"))


def test_without_a_message_for_what_is_not_known_nothing_loads(tmp_path: Path) -> None:
    file = tmp_path / FILE.name
    file.write_text("families:\n  review: {text: Wait., internal: true}\n", encoding="utf-8")
    with pytest.raises(Invalid, match="no family 'incomplete'"):
        load_messages(file)
