"""The spine, with parts that only note what they were asked: what is decided by the six calls themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ccit.config import Evaluation as GateSettings
from ccit.evaluation.gate import gate_of
from ccit.evaluation.judging import Judging
from ccit.evaluation.suites import questions_from_samples, suites_digest
from ccit.lineage import Lineage
from ccit.pipeline import Recipe, due, judge, material_of, plan, promote, train
from ccit.pool import Pool, ranges_of
from ccit.ports.rounds import PoolChoice, TriggerContext
from ccit.ports.training import Progress
from ccit.records import (
    AdapterPair,
    Candidate,
    Due,
    GradedAnswer,
    LeftOut,
    Material,
    OffsetRange,
    Outcome,
    Pooled,
    Position,
    Question,
    Round,
    Sample,
    Spend,
    SuiteResults,
    Suites,
    Version,
)
from ccit.triggers.size import SizeTrigger
from tests.nouns import candidate, pooled, recipe_of, sample, verdict, version

WHY = Due("size", "20 samples")
HISTORY = [sample(100 + i, group=f"g{i % 2}") for i in range(10)]
GENERAL = [sample(200 + i, source="general") for i in range(10)]
RECIPE = recipe_of(20, replay=0.5, general=GENERAL, seed=7)


def quiet(stage: str, done: int, total: int) -> None:
    """A progress that nobody watches."""


def pool_of(count: int = 30) -> Pool:
    pool = Pool()
    for number in range(count):
        pool.add(pooled(number, partition=number % 2, offset=number // 2))
    return pool


def planned(recipe: Recipe = RECIPE, pool: Pool | None = None, incumbent: Version | None = None) -> Round:
    return plan(pool or pool_of(), WHY, incumbent or version(), recipe, HISTORY, {0: 0, 1: 0})


def test_a_round_is_due_when_the_trigger_says_so() -> None:
    trigger = SizeTrigger(SizeTrigger.Settings(), TriggerContext(size=20, min_size=2))
    assert due(pool_of(19), trigger, now=0.0) is None
    found = due(pool_of(20), trigger, now=0.0)
    assert found is not None
    assert found.trigger == "size"


def test_a_round_takes_the_oldest_samples_and_splits_them_nine_to_one() -> None:
    made = planned()
    assert made.ranges == (OffsetRange(0, 0, 10), OffsetRange(1, 0, 10))
    assert len(made.sample_ids) == 18
    assert len(made.validation_ids) == 2
    assert {*made.sample_ids, *made.validation_ids} == {f"s{i}" for i in range(20)}


def test_general_and_replay_are_counted_per_training_sample() -> None:
    made = planned()
    assert len(made.parts["general"]) == 18  # 1:1; ten rows serve twice at most
    assert len(made.parts["replay"]) == 9
    assert set(made.parts["general"]) <= {s.sample_id for s in GENERAL}
    assert len(set(made.parts["replay"])) == 9


class EveryOther:
    """Port `Planner`: leaves out every second one of the oldest eight."""

    def choose(self, pool: Sequence[Pooled]) -> PoolChoice:
        left = [LeftOut(one.sample.sample_id, "too_old") for one in pool[1:8:2]]
        return PoolChoice("every_other", 8, tuple(left))


def test_what_a_planner_leaves_out_is_in_the_manifest_and_in_no_part() -> None:
    made = planned(replace(RECIPE, planner=EveryOther()))
    assert made.ranges == (OffsetRange(0, 0, 4), OffsetRange(1, 0, 4))
    assert {*made.sample_ids, *made.validation_ids} == {"s0", "s2", "s4", "s6"}
    assert [(one.sample_id, one.reason) for one in made.left_out] == [(f"s{n}", "too_old") for n in (1, 3, 5, 7)]
    places = {item.sample.sample_id: item.position for item in pool_of().waiting}
    assert [one.position for one in made.left_out] == [places[one.sample_id] for one in made.left_out]
    assert made.planner == "every_other"
    assert planned().planner == "oldest_first"


def test_each_round_draws_its_parts_anew_and_the_same_round_draws_the_same() -> None:
    pool, start = pool_of(40), {0: 0, 1: 0}
    general = [sample(1000 + number) for number in range(200)]
    recipe = recipe_of(20, replay=0.5, general=general, seed=7)
    first = plan(pool, WHY, version(), recipe, HISTORY, start)
    assert plan(pool, WHY, version(), recipe, HISTORY, start) == first
    pool.remove(pool.within(first.ranges))
    second = plan(pool, WHY, version(), recipe, HISTORY, {0: 10, 1: 10})  # nothing was promoted in between
    for part in ("general", "replay"):
        assert len(first.parts[part]) == len(second.parts[part])
        assert set(first.parts[part]) != set(second.parts[part])


def test_the_same_inputs_give_the_same_round() -> None:
    assert planned() == planned()
    assert planned().round_id == planned().round_id


def test_why_a_round_started_is_not_part_of_its_identity() -> None:
    later = plan(pool_of(), Due("age", "a day"), version(), RECIPE, HISTORY, {0: 0, 1: 0})
    assert later.round_id == planned().round_id


@pytest.mark.parametrize(
    "recipe",
    [
        replace(RECIPE, seed=8),
        replace(RECIPE, config_digest="other"),
        replace(RECIPE, code_digest="other"),
        replace(RECIPE, base_revision="other"),
        replace(RECIPE, proxy_model="other"),
        replace(RECIPE, planner=recipe_of(19).planner),
        replace(RECIPE, alias="other"),
    ],
    ids=["seed", "config", "code", "base", "proxy", "size", "alias"],
)
def test_whatever_shapes_a_round_shapes_its_id(recipe: Recipe) -> None:
    assert planned(recipe).round_id != planned().round_id


def test_a_changed_text_and_another_parent_change_the_id() -> None:
    pool = Pool()
    for item in pool_of().waiting:
        changed = replace(item.sample, response="Another answer.") if item.sample.sample_id == "s3" else item.sample
        pool.add(replace(item, sample=changed))
    assert planned(pool=pool).round_id != planned().round_id
    assert planned(incumbent=version(1, 0)).round_id != planned().round_id


def test_the_texts_come_back_in_the_order_of_the_manifest() -> None:
    made = planned()
    material = material_of(made, pool_of().waiting, RECIPE.sources, HISTORY)
    assert tuple(s.sample_id for s in material.training) == made.sample_ids
    assert tuple(s.sample_id for s in material.validation) == made.validation_ids
    assert tuple(s.sample_id for s in material.parts["replay"]) == made.parts["replay"]
    assert tuple(s.sample_id for s in material.parts["general"]) == made.parts["general"]


def test_a_part_whose_source_is_gone_is_an_error_only_where_it_holds_something() -> None:
    made = planned()
    with pytest.raises(KeyError, match="general"):
        material_of(made, pool_of().waiting, {"replay": RECIPE.sources["replay"]}, HISTORY)
    empty = replace(made, parts={"general": ()})
    assert material_of(empty, pool_of().waiting, {}, HISTORY).parts == {"general": ()}


def test_a_text_that_is_gone_is_an_error_and_not_a_smaller_round() -> None:
    made = planned()
    with pytest.raises(KeyError):
        material_of(made, pool_of().waiting[1:], RECIPE.sources, HISTORY)


class Notes:
    """Trainer and evaluator that do nothing but remember what they were asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def train(self, planned: Round, material: Material, parent: Version, progress: Progress) -> Candidate:
        self.asked.append(("train", planned.round_id, parent.number))
        return candidate(planned.round_id)

    def evaluate(
        self, adapters: AdapterPair | None, suites: Suites, validation: Sequence[Sample], progress: Progress
    ) -> SuiteResults:
        self.asked.append(("evaluate", adapters, len(validation), sorted(suites)))
        credit = 0.0 if adapters is None else 1.0
        answers = {
            "domain": tuple(GradedAnswer(f"q{i}", "heart", credit) for i in range(40)),
            "general": tuple(GradedAnswer(f"g{i}", "general", 1.0) for i in range(400)),
        }
        return SuiteResults({name: answers.get(name, ()) for name in suites}, 1.0, Spend(10, 100.0))


def test_three_versions_answer_the_same_and_all_are_paid_for() -> None:
    made, notes = planned(), Notes()
    material = material_of(made, pool_of().waiting, RECIPE.sources, HISTORY)
    produced = train(made, material, version(1, 0), notes, quiet)
    general: Suites = {"general": (Question("g0", "general", "Why?", "Because."),)}
    judging = Judging(general, notes, gate_of(GateSettings()))
    judged, spent = judge(produced, version(1, 0), version(), material, judging, 1, quiet)
    assert notes.asked == [
        ("train", made.round_id, 1),
        ("evaluate", None, 0, ["general"]),  # the baseline: what stays the same from round to round
        ("evaluate", version(1, 0).adapters, 2, ["domain", "general"]),
        ("evaluate", produced.adapters, 2, ["domain", "general"]),
    ]
    assert judged.outcome == "not_enough_evidence"
    assert spent == Spend(30, 300.0)


def test_a_verdict_names_the_questions_it_is_about() -> None:
    made, notes = planned(), Notes()
    material = material_of(made, pool_of().waiting, RECIPE.sources, HISTORY)
    produced = train(made, material, version(), notes, quiet)
    general = (Question("g0", "general", "Why?", "Because."),)
    given: Suites = {"domain": (Question("q0", "heart", "Why?", "Because."),), "general": general}
    own: Suites = {"domain": questions_from_samples(material.validation), "general": general}
    for suites, asked in ((given, given), ({"general": general}, own)):
        judging = Judging(suites, notes, gate_of(GateSettings()))
        verdict_of_suites, _ = judge(produced, version(), version(), material, judging, 1, quiet)
        assert verdict_of_suites.suite_digest == suites_digest(asked)
        assert verdict_of_suites.outcome == "promote"


@pytest.mark.parametrize("outcome", ["hold", "not_enough_evidence"])
def test_only_a_verdict_that_says_so_promotes(outcome: Outcome) -> None:
    made = planned()
    material = material_of(made, pool_of().waiting, RECIPE.sources, HISTORY)
    lineage = Lineage(version())
    assert promote(candidate(made.round_id), verdict(outcome), made, lineage, material, 0.0) is None
    assert lineage.next_number() == 1


def test_a_version_says_everything_that_made_it() -> None:
    made = planned()
    material = material_of(made, pool_of().waiting, RECIPE.sources, HISTORY)
    announcement = promote(candidate(made.round_id), verdict(), made, Lineage(version()), material, 5.0)
    assert announcement is not None
    made_version = announcement.version
    assert (made_version.number, made_version.parent, made_version.round_id) == (1, 0, made.round_id)
    assert made_version.counts == {"training": 18, "validation": 2, "replay": 9, "general": 18}
    assert made_version.adapters == candidate(made.round_id).adapters
    assert (announcement.kind, announcement.at, announcement.expected_previous) == ("promoted", 5.0, 0)


def test_a_version_has_consumed_what_its_round_replayed() -> None:
    """Samples of a round with too little evidence went into no version; the first that replays them is the one."""
    made, lineage = planned(), Lineage(version())
    material = material_of(made, pool_of().waiting, RECIPE.sources, HISTORY)
    replayed = [Position(3, 8), Position(3, 4), Position(0, 0)]
    announcement = promote(candidate(made.round_id), verdict(), made, lineage, material, 0.0, replayed)
    assert announcement is not None
    consumed = announcement.version.consumed
    assert consumed == (*made.ranges, OffsetRange(3, 4, 5), OffsetRange(3, 8, 9))


def test_a_version_has_consumed_what_its_ancestors_and_its_round_have() -> None:
    lineage, pool, start = Lineage(version()), pool_of(60), {0: 0, 1: 0}
    for _ in range(3):
        made = plan(pool, WHY, lineage.incumbent, RECIPE, HISTORY, start)
        assert made.ranges == ranges_of(pool.waiting[:20], start)
        material = material_of(made, pool.waiting, RECIPE.sources, HISTORY)
        announcement = promote(candidate(made.round_id), verdict(), made, lineage, material, 0.0)
        assert announcement is not None
        lineage.apply(announcement)
        start.update({r.partition: r.end for r in made.ranges})
        pool.remove(pool.within(made.ranges))
    assert lineage.incumbent.consumed == (OffsetRange(0, 0, 30), OffsetRange(1, 0, 30))
    assert lineage.incumbent.number == 3
