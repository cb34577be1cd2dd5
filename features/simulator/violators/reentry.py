"""Ban evaders: somebody excluded for good who comes back under another account.

See docs/methods.md#d10-re-entry-after-a-ban.
"""

import numpy as np

from features.simulator import funds
from features.simulator.honest.behaviours import Style, live, log_in, save_and_spend, trade_by_hand, visit
from features.simulator.ledger import code
from features.simulator.vectors import DAY, HOUR, MINUTE, Ints
from features.simulator.violators.unit import Unit, confess
from features.simulator.violators.violator import Violator
from features.simulator.world import World

BANNED = "banned"
"""Role of an account that was excluded: neither a violator now nor honest."""
BY_DOCUMENT, BY_DEVICE, BY_WALLET = 0, 1, 2
"""What gives the return away: the same document, the same phone, the same wallet."""


def recruit(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """The first account is banned at the onset; the second is made 5-25 days later (in proportion) on a new line."""
    people = world.people
    old, new = unit.members
    people.agent[old] = BANNED
    away = min(world.profile.scaled_days(rng.uniform(5, 25)) * DAY, 0.7 * (world.market.end - unit.onset))
    people.created_at[new] = unit.onset + int(away)
    people.level[unit.members] = 2
    people.favourites[new], people.country[new] = people.favourites[old], people.country[old]
    people.offset[new], people.wealth_usd[new] = people.offset[old], people.wealth_usd[old] * 0.6 + 100
    if not unit.careful and int(old) % 3 == BY_DOCUMENT:
        people.document[new] = people.document[old]
    if not unit.careful and int(old) % 3 == BY_DEVICE:
        people.device[new] = people.device[old]


def act(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Trades as before; the careful have a new phone, another person's document and a new wallet."""
    old, new = unit.members[:1], unit.members[1:]
    ban(world, int(old[0]), unit.onset)
    before = np.array([unit.onset - HOUR])
    trade_by_hand(world, rng, visit(world, rng, old, 0.9, until=before), Style(1.2))
    save_and_spend(world, rng, old, 0.06, 0.04, until=before)
    live(world, rng, new, 1.2)
    begin = world.people.created_at[new]
    confess(world, unit, "banned_reentry", begin, new)
    session = log_in(world, rng, new, begin + HOUR)
    world.truth.episode("banned_reentry", begin[0], unit.end, "s", session, new)
    if unit.careful or int(old[0]) % 3 == BY_WALLET:
        _withdraw(world, rng, new, funds.own_address(new if unit.careful else old, 1), before)


def ban(world: World, account: int, ts: int) -> None:
    """Exclude an account: the measure, and its document and usual device on the list of banned identities."""
    world.ledger.emit(
        "enforcements",
        1,
        event_id=world.ledger.fresh("event", 1),
        account_id=np.array([account]),
        ts=ts,
        measure="exclusion",
        state=code("enforcements", "state", "in_force"),
    )
    identifiers = (
        ("document", f"doc-{world.people.document[account]}"),
        ("device", f"device-{world.people.device[account]}"),
    )
    for kind, value in identifiers:
        world.ledger.emit(
            "watchlist",
            1,
            list=code("watchlist", "list", "banned_identity"),
            kind=kind,
            value=value,
            effective_from=ts,
            source="our own exclusions",
        )


def _withdraw(world: World, rng: np.random.Generator, new: Ints, wallet: Ints, before: Ints) -> None:
    """The wallet was the old account's, too, where it gives the person away."""
    old = (wallet - funds.OWN) // 4
    earlier = np.maximum(before - rng.integers(DAY, 4 * DAY), world.people.created_at[old] + HOUR)
    if int(old[0]) != int(new[0]):
        funds.withdraw(world, old, earlier, rng.uniform(50, 400, 1), funds.SELF_HOSTED, wallet)
    ts = world.people.created_at[new] + rng.integers(DAY, 3 * DAY)
    if int(ts[0]) < world.market.end - MINUTE:
        funds.withdraw(world, new, ts, rng.uniform(40, 200, 1), funds.SELF_HOSTED, wallet)


BAN_EVADER = Violator("ban_evader", (2, 2), (1, 1, 3, 12), act, recruit, rank=15)
