"""What every Embedder must do; each implementation is one row of EMBEDDERS."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccit.models.embedders import SentenceTransformerEmbedder
from ccit.ports.vectors import Embedder
from ccit.vectors import cosines

EMBEDDERS: Mapping[str, Callable[[], Embedder]] = {
    "sentence-transformers": lambda: SentenceTransformerEmbedder(device="cpu")
}
TEXTS = ["Rest.", "Drink a lot of water and rest for three days.", "多喝水。", ""]


@pytest.fixture(params=sorted(EMBEDDERS), scope="module")
def embedder(request: pytest.FixtureRequest) -> Embedder:
    return EMBEDDERS[request.param]()


def test_rows_are_unit_vectors_at_half_precision(embedder: Embedder) -> None:
    """So that an event carries a vector's own bits."""
    rows = embedder.embed(TEXTS)
    assert rows.shape == (len(TEXTS), embedder.dimension)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows[:3], axis=1) == pytest.approx([1.0] * 3, abs=1e-3)
    assert np.array_equal(rows, rows.astype(np.float16).astype(np.float32))


def test_no_text_is_no_row(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, embedder.dimension)


@given(order=st.permutations(range(len(TEXTS))))
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_come_in_order_and_neighbours_move_them_by_rounding_alone(embedder: Embedder, order: list[int]) -> None:
    together = embedder.embed([TEXTS[place] for place in order])
    for row, place in zip(together, order, strict=True):
        assert row == pytest.approx(embedder.embed([TEXTS[place]])[0], abs=1e-3)


def test_embedded_again_in_another_batch_a_text_has_the_same_cosines_within_rounding() -> None:
    """What novelty may count on when a stored vector meets a fresh one; the second embedder has seen none of it."""
    for make in EMBEDDERS.values():
        stored, fresh = make().embed(TEXTS), make().embed([*TEXTS, "Rest well, and call us in a week. " * 20])[:-1]
        assert np.abs(cosines(stored, stored) - cosines(stored, fresh)).max() < 1e-4


def test_the_same_text_is_near_itself_and_far_from_another(embedder: Embedder) -> None:
    dose, same, other = embedder.embed(["Take 500 mg twice a day.", "Take 500 mg two times a day.", "The sky is blue."])
    assert float(dose @ same) > 0.8 > 0.5 > float(dose @ other)


def test_the_stamp_stands_and_the_work_is_counted(embedder: Embedder) -> None:
    stamp, before = embedder.stamp, embedder.spent
    embedder.embed(["Something that nobody has said here."])
    after = embedder.spent
    assert embedder.stamp == stamp
    assert after.tokens > before.tokens
    assert after.flops > before.flops
