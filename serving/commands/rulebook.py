"""The shipped rules, checked against the catalogue and the patterns."""

from pathlib import Path

from features.summary import catalogue_summary
from serving.policy.book import Policy
from serving.policy.fields import rule_fields
from serving.reviews.priority import FILE, priority_numbers


def load_policy(home: Path | None = None) -> Policy:
    """The shipped rules; the numbers that order the queue are checked, too. A home keeps what the catalogue holds."""
    priority_numbers(FILE)
    summary = catalogue_summary(home)
    return Policy.load(rule_fields(summary.names, summary.episode_measures()), catalogue=summary.fingerprint)
