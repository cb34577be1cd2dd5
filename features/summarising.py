"""Summarises the catalogue and the patterns, which loads and builds all of them."""

from features.definitions import CATALOGUE
from features.derivation.deriving import episode_measures
from features.summary import CatalogueSummary


def summarise() -> CatalogueSummary:
    """The catalogue and the patterns as plain data."""
    features = [
        {
            "name": f.name,
            "family": f.family,
            "unit": f.unit,
            "window": f.window.text,
            "clause": f.clause,
            "says": f.says,
            "fact": f.of.name,
            "pillar": f.pillar,
            "direction": f.direction,
            "evidence": f.of.evidence_table,
        }
        for f in CATALOGUE
    ]
    measures = {
        pattern: {name: kind.__name__ for name, kind in measured.items()}
        for pattern, measured in episode_measures().items()
    }
    return CatalogueSummary(CATALOGUE.fingerprint, features, measures)
