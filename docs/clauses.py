"""The table clause -> card -> rules, patterns, features -> tests that fire them and look-alikes that do not."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from features.catalogue import Feature
from features.definitions import CATALOGUE
from features.derivation import steps
from serving.policy.book import Policy

HERE = Path(__file__).parent
TESTS = HERE.parent / "tests"
MARKS = ("fires", "spares")
NOT_BUILT = "not built yet"
TYPOLOGIES: Mapping[str, tuple[str, ...]] = {
    "D01": ("kyc_gate",),
    "D02": ("unauthorised_automation",),
    "D03": ("wash_trading",),
    "D04": ("spoofing",),
    "D05": ("layering",),
    "D06": ("excessive_orders",),
    "D07": ("front_running",),
    "D08": ("restricted_jurisdiction",),
    "D09": ("pump_and_dump",),
    "D10": ("banned_reentry",),
    "D11": ("sanctions_exposure",),
    "D12": ("money_laundering",),
    "D13": ("illicit_assets",),
    "D14": ("legal_order",),
    "D15": ("issuer_affiliation",),
    "D16": ("listing_deposits",),
    "D17": ("listing_manipulation",),
    "D18": ("concealment",),
    "D19": ("price_manipulation",),
    "D20": ("multi_account",),
    "D21": ("collusion",),
    "D22": ("hedging_abuse",),
    "D23": ("account_takeover",),
    "D24": (),
    "D25": (),
    "D26": ("position_limit_evasion",),
}


@dataclass(slots=True)
class Built:
    """What the code holds for one card."""

    rules: list[str] = field(default_factory=list)
    patterns: list[str] = field(default_factory=list)
    features: list[str] = field(default_factory=list)
    fires: list[str] = field(default_factory=list)
    spares: list[str] = field(default_factory=list)

    @property
    def is_built(self) -> bool:
        """Whether a rule decides on the card or a pattern looks for it."""
        return bool(self.rules or self.patterns)


def clause_table(policy: Policy) -> Iterator[str]:
    """The table in Markdown: one row a named trigger; what is not built says so."""
    built = built_for(policy)
    yield "| clause | named trigger | card | rules | patterns | features | fired by | look-alike spared by |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in yaml.safe_load((HERE / "clauses.yaml").read_text(encoding="utf-8")):
        card = built[row["card"]]
        cells = [row["clause"], row["trigger"], row["card"]]
        if card.is_built:
            cells += [_listed(names) for names in (card.rules, card.patterns, card.features, card.fires, card.spares)]
        else:
            cells += [NOT_BUILT, "", "", "", ""]
        yield "| " + " | ".join(cells) + " |"


def left_out() -> Iterator[str]:
    """What cards name and the activity tables cannot feed, in Markdown."""
    yield "| card | left out | because |"
    yield "|---|---|---|"
    for row in yaml.safe_load((HERE / "left_out.yaml").read_text(encoding="utf-8")):
        yield f"| {row['card']} | {row['what']} | {row['because']} |"


def built_for(policy: Policy) -> dict[str, Built]:
    """By card: the rules of its typologies, its patterns, the features either reads, and the tests marked with it."""
    marked = {mark: tests_marked(mark) for mark in MARKS}
    found = {}
    for card, typologies in TYPOLOGIES.items():
        rules = [rule for rule in policy.rules if rule.typology in typologies and not rule.id.startswith("model-")]
        patterns = [pattern.name for pattern in steps.patterns() if pattern.card == card]
        read = {name for rule in rules for name in rule.values.values() if name in CATALOGUE}
        found[card] = Built(
            rules=[rule.id for rule in rules],
            patterns=patterns,
            features=[f.name for f in CATALOGUE if f.name in read or reads(f, patterns)],
            fires=marked["fires"].get(card, []),
            spares=marked["spares"].get(card, []),
        )
    return found


def reads(feature: Feature, patterns: Sequence[str]) -> bool:
    """Whether a feature counts or measures episodes of one of the patterns."""
    return any(f"'{pattern}'" in f"{feature.value.text} {feature.where!r}" for pattern in patterns)


def tests_marked(mark: str) -> dict[str, list[str]]:
    """By card: the tests that carry `@pytest.mark.<mark>("D04")`, as file::name, read without importing them."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                for card in _cards_of(node, mark):
                    found.setdefault(card, []).append(f"{path.relative_to(TESTS)}::{node.name}")
    return found


def _cards_of(test: ast.FunctionDef, mark: str) -> Iterator[str]:
    for decorator in test.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == f"pytest.mark.{mark}":
            yield from (str(ast.literal_eval(argument)) for argument in decorator.args)


def _listed(names: Sequence[str]) -> str:
    return "<br>".join(f"`{name}`" for name in names) or "–"
