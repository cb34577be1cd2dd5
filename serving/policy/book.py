"""The policy in force: all rules under one version, and which of them judge which subject."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from features.kernel.errors import Invalid, NotFound
from serving.policy.fields import FACTS, REQUEST, SCORES
from serving.policy.floors import FILE as FLOORS_FILE
from serving.policy.floors import Floors, load_floors
from serving.policy.holder_messages import INCOMPLETE, HolderMessage, load_messages
from serving.policy.loading import FieldsBySubject, load_rules
from serving.policy.rules import ACCOUNT, Rule
from serving.policy.terms import RuleHit, RuleState

RULES_FOLDER = Path(__file__).parent / "rules"
_ACTIVE = (RuleState.LIVE, RuleState.SHADOW)


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules under one version; `active` holds, for each subject key, the live and shadow rules that judge it.

    `features` are the features of the catalogue that the active account rules read, `scores` the scores that they
    read, and `catalogue` is the fingerprint of the catalogue.
    """

    version: str
    rules: tuple[Rule, ...]
    active: Mapping[str, tuple[Rule, ...]]
    by_id: Mapping[str, Rule]
    floors: Floors
    messages: Mapping[str, HolderMessage]
    features: frozenset[str]
    scores: frozenset[str]
    catalogue: str | None = None

    @classmethod
    def load(
        cls, fields_by_subject: FieldsBySubject, folder: Path = RULES_FOLDER, catalogue: str | None = None
    ) -> "Policy":
        """The policy in the folder's `*.yaml` files, checked against the fields of each subject (see `rule_fields`).

        The version is the newest rule's date and a short hash of the rules and floors.

        Raises:
            Invalid: a rule is wrong; the sentence names the file, the rule and what to do.
        """
        rules, digest = load_rules(folder, fields_by_subject)
        newest = max((rule.version for rule in rules), default=date.min)
        active: dict[str, tuple[Rule, ...]] = {}
        for rule in rules:
            if rule.state in _ACTIVE:
                active[rule.subject_key] = (*active.get(rule.subject_key, ()), rule)
        read = frozenset[str]().union(*(rule.fields_needed for rule in active.get(ACCOUNT, ())))
        messages = load_messages()
        for rule in rules:
            if rule.holder_message not in messages:
                families = ", ".join(messages)
                raise Invalid(
                    f"Rule {rule.id}: no message {rule.holder_message!r} for holders; choose one of {families}."
                )
        content = hashlib.sha256(f"{digest}{FLOORS_FILE.read_text(encoding='utf-8')}".encode()).hexdigest()
        return cls(
            version=f"{newest.isoformat()}-{content[:8]}",
            rules=rules,
            active=active,
            by_id={rule.id: rule for rule in rules},
            floors=load_floors(),
            messages=messages,
            features=read - SCORES.keys() - REQUEST.keys() - FACTS.keys(),
            scores=read & SCORES.keys(),
            catalogue=catalogue,
        )

    def rule(self, rule_id: str) -> Rule:
        """The rule with that id.

        Raises:
            NotFound: the policy has no such rule.
        """
        if rule_id not in self.by_id:
            raise NotFound(f"Policy {self.version} has no rule {rule_id!r}.")
        return self.by_id[rule_id]

    def message_of(self, hit: RuleHit | None) -> HolderMessage:
        """What the holder may be told of a rule that fired; without one, of what was not known."""
        return self.messages[self.rule(hit.rule_id).holder_message if hit else INCOMPLETE]

    def fields_read(self, subject: str) -> frozenset[str]:
        """Every field that a live or shadow rule of the subject reads."""
        return frozenset().union(*(rule.fields_needed for rule in self.active.get(subject, ())))
