"""The reference page is what the code says today; a card that is built shows what it finds and what it spares."""

from pathlib import Path

import pytest

from docs.clauses import built_for
from docs.generate import REFERENCE, reference
from serving.commands.rulebook import load_policy

BUILT = {card: what for card, what in built_for(load_policy()).items() if what.is_built}
PAGE = Path(REFERENCE)


def test_the_reference_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run `make docs`"


@pytest.mark.parametrize("card", BUILT)
def test_a_card_that_is_built_has_a_test_that_fires_it_and_a_look_alike_that_does_not(card: str) -> None:
    assert BUILT[card].fires, f"mark a test with @pytest.mark.fires({card!r})"
    assert BUILT[card].spares, f"mark a test with @pytest.mark.spares({card!r})"
