from dataclasses import replace

import pytest

from ccit.config import Training
from ccit.records import Version
from ccit.training.continuity import misfit
from tests.nouns import version

FITS = replace(version(3, 2), rank=8, alpha=16, target_modules=("k_proj", "q_proj"))
SETTINGS = Training(rank=8, alpha=16, target_modules=["q_proj", "k_proj"])


def test_any_settings_fit_the_base_model_and_the_same_ones_their_own_version() -> None:
    assert misfit(version(), SETTINGS) == ""
    assert misfit(FITS, SETTINGS) == ""


@pytest.mark.parametrize(
    ("incumbent", "said"),
    [
        (replace(FITS, rank=4), "rank 4, training.rank is 8"),
        (replace(FITS, alpha=2.5), "alpha 2.5, training.alpha is 16"),
        (replace(FITS, target_modules=("q_proj",)), "target_modules q_proj, training.target_modules is k_proj, q_proj"),
    ],
)
def test_the_sentence_names_what_differs_and_the_way_out(incumbent: Version, said: str) -> None:
    found = misfit(incumbent, SETTINGS)
    assert f"version 3 cannot be trained on: it has {said}" in found
    assert "`ccit rollback --to 0`" in found
