"""`from features import …` offers what a notebook needs, each name under the module that defines it."""

from importlib import import_module

import pytest

import features


@pytest.mark.parametrize("name", features.WHERE)
def test_every_name_on_offer_is_there(name: str) -> None:
    assert getattr(features, name) is getattr(import_module(features.WHERE[name]), name)


def test_a_name_that_is_not_on_offer_is_refused_with_what_is() -> None:
    with pytest.raises(AttributeError, match="features has no 'build_vector'; it offers Activity, "):
        getattr(features, "build_" + "vector")


def test_no_name_on_offer_hides_a_module_of_the_package() -> None:
    modules = {place.rpartition(".")[2] for place in features.WHERE.values() if place.count(".") == 1}
    assert not modules & features.WHERE.keys()
