"""Versions of what daily runs find: one holds as long as each further day finds the same with nothing new in it."""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace

from features.kernel.moments import DAY_US
from features.patterns.shared.episode import Episode


@dataclass(frozen=True, slots=True)
class Finding:
    """What one run found: `same` names it across runs, `run` is the day of its midnight, `news` whether it saw more."""

    same: Hashable
    run: int
    news: bool
    episode: Episode


def versions(findings: Iterable[Finding]) -> Iterator[Episode]:
    """The episodes in the order of their runs, each valid until a run finds more in it, or finds it no longer.

    A run never changes what was known before it: it prolongs a version, or supersedes it by another.
    """
    latest: dict[Hashable, tuple[int, Episode]] = {}
    superseded: list[tuple[Hashable, Episode]] = []
    for finding in sorted(findings, key=lambda finding: finding.run):
        last, episode = latest.get(finding.same, (0, finding.episode))
        if last != finding.run - 1 or finding.news:
            if finding.same in latest:
                superseded.append((finding.same, episode))
            episode = finding.episode
        latest[finding.same] = finding.run, replace(episode, superseded_at=(finding.run + 1) * DAY_US)
    for _same, episode in [*superseded, *((same, episode) for same, (_last, episode) in latest.items())]:
        yield episode
