"""Associations: how strongly two accounts are linked at each moment, and from when that means one controller.

Each kind of link counts once, with its strongest value; kinds add up. Weights and what they mean stand in `links.yaml`.
"""

import ibis
import ibis.expr.types as ir
from ibis import _

from features.facts.fact import Fact
from features.facts.findings import EPISODES
from features.facts.identifiers import ALWAYS_VALID
from features.facts.link_settings import ASSOCIATION_WEIGHT, CONTROL_WEIGHT, LINK_SETTINGS
from features.facts.links import LINKS
from features.kernel.units import MICRO, MILLI

PAIR = ["account_id", "other_id"]
WEAK_KINDS = ("ip", "referral")
IDENTITY_KINDS = ("document", "face", "person")
CONTROLLED_GROUP = "controlled_group"


def _associations() -> ir.Table:
    """Per pair the stretches of time in which the same links hold, where together they weigh enough."""
    links = _that_may_weigh_enough(LINKS.table.filter(_.account_id != _.other_id))
    links = links.mutate(until=_.known_until.fill_null(ALWAYS_VALID))
    starts = links.select(*PAIR, at=links.known_from)
    ends = links.filter(_.until < ALWAYS_VALID).select(*PAIR, at=_.until)
    moments = starts.union(ends, distinct=True)
    following = ibis.window(group_by=[moments.account_id, moments.other_id], order_by=moments.at)
    stretches = moments.mutate(next_at=moments.at.lead().over(following).fill_null(ALWAYS_VALID))
    lasting = links.select(
        a=_.account_id, b=_.other_id, kind=_.kind, weight=_.weight, row_id=_.row_id, since=_.known_from, until=_.until
    )
    linked = stretches.inner_join(
        lasting,
        [
            stretches.account_id == lasting.a,
            stretches.other_id == lasting.b,
            lasting.since <= stretches.at,
            stretches.at < lasting.until,
        ],
    )
    kinds = linked.group_by([*PAIR, "at", "next_at", "kind"]).agg(
        weight=linked.weight.max(), row_id=linked.row_id.min()
    )
    sums = kinds.group_by([*PAIR, "at", "next_at"]).agg(
        weight=kinds.weight.sum().cast("float64"),
        weak=(~kinds.kind.isin(WEAK_KINDS)).cast("int64").sum() == 0,
        declared=(kinds.kind == "owner").cast("int64").max() == 1,
        identity=kinds.kind.isin(IDENTITY_KINDS).cast("int64").max() == 1,
        row_id=kinds.row_id.min(),
    )
    probability = 1 - ibis.literal(10.0) ** (-(sums.weight / (LINK_SETTINGS["control_weight"] * MILLI)))
    return sums.filter(_.weight >= ASSOCIATION_WEIGHT).select(
        account_id=_.account_id,
        ts=_.at - 1,
        known_from=_.at,
        known_until=_.next_at.nullif(ALWAYS_VALID),
        row_id=_.row_id,
        other_id=_.other_id,
        weight=_.weight.cast("int64"),
        probability_micro=(probability * MICRO).round().cast("int64"),
        weak=_.weak,
        declared=_.declared,
        identity=_.identity,
    )


def _that_may_weigh_enough(links: ir.Table) -> ir.Table:
    """The links of pairs that could ever weigh enough; most pairs of a crowded address could not."""
    kinds = links.group_by([*PAIR, "kind"]).agg(weight=links.weight.max())
    pairs = kinds.group_by(PAIR).agg(weight=kinds.weight.sum().cast("float64"))
    return links.semi_join(pairs.filter(_.weight >= ASSOCIATION_WEIGHT), PAIR)


def _control() -> ir.Table:
    """Pairs whose own links mean one controller, and pairs inside a group that such links hold together."""
    direct = ASSOCIATIONS.table.filter(_.weight >= CONTROL_WEIGHT).select(
        *PAIR, known_from=_.known_from, until=_.known_until.fill_null(ALWAYS_VALID), row_id=_.row_id
    )
    groups = EPISODES.filter(_.pattern == CONTROLLED_GROUP)
    members = groups.mutate(account_id=_.accounts.unnest())
    mates = members.mutate(other_id=_.accounts.unnest()).filter(_.account_id != _.other_id)
    grouped = mates.select(
        *PAIR, known_from=_.known_at, until=_.superseded_at.fill_null(ALWAYS_VALID), row_id=_.episode_id
    )
    pairs = direct.union(grouped)
    # Stretches that touch or overlap are one: a pair that stays controlled has one row.
    window = {"group_by": [pairs.account_id, pairs.other_id], "order_by": [pairs.known_from, pairs.until, pairs.row_id]}
    before, until_now = ibis.window(**window, preceding=(None, 1)), ibis.window(**window, preceding=None, following=0)
    pairs = pairs.mutate(reached=pairs.until.max().over(before))
    pairs = pairs.mutate(new=(pairs.known_from > pairs.reached).fill_null(False).cast("int64"))
    pairs = pairs.mutate(stretch=pairs.new.sum().over(until_now))
    first = ibis.struct({"known_from": pairs.known_from, "row_id": pairs.row_id})
    stretches = pairs.group_by([*PAIR, "stretch"]).agg(
        known_from=pairs.known_from.min(), until=pairs.until.max(), row_id=pairs.row_id.argmin(first)
    )
    return stretches.select(
        account_id=_.account_id,
        ts=_.known_from - 1,
        known_from=_.known_from,
        known_until=_.until.nullif(ALWAYS_VALID),
        row_id=_.row_id,
        other_id=_.other_id,
    )


ASSOCIATIONS = Fact("associations", "another account linked with this one", _associations(), "links")
CONTROLLED = Fact(
    "control", "another account under the same control", _control(), "links", patterns=(CONTROLLED_GROUP,)
)
CONTROL = CONTROLLED.table
