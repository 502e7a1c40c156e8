"""The file of an experiment: which cells it means, and that what is wrong with it is said before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ccit.config import Config
from ccit.errors import ConfigError
from ccit.experiment.plan import read_plan
from ccit.experiment.streams import HospitalStream
from tests.unit.experiment.conftest import Write

POLICIES = {
    "all": {"selection": {"policy": {"kind": "accept_all"}}},
    "lot": {"selection": {"policy": {"kind": "random", "share": 0.5}}},
}


def test_the_grid_is_the_product_of_its_axes_and_the_seed_moves_fastest(write: Write) -> None:
    cells = read_plan(write(seeds=[3, 4], axes={"policy": POLICIES, "training.rank": [2, 4]}))
    assert [cell.name for cell in cells[:3]] == [
        "training.rank 2, policy all, seed 3",
        "training.rank 2, policy all, seed 4",
        "training.rank 2, policy lot, seed 3",
    ]
    assert len(cells) == len({cell.cell_id for cell in cells}) == 8
    last = Config(**cells[-1].tables)
    assert (last.training.rank, last.rounds.seed, cells[-1].seed) == (4, 4, 4)
    assert last.selection.policy.model_dump() == {"kind": "random", "share": 0.5}


def test_without_axes_there_is_one_cell_of_the_demos_profile(write: Write) -> None:
    (cell,) = read_plan(write())
    assert Config(**cell.tables).rounds.size == 160
    assert cell.stream == HospitalStream()


def test_a_base_stands_under_every_cell(write: Write, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[training]\nrank = 3\nepochs = 7\n", "utf-8")
    (cell,) = read_plan(write(base="mine.toml", config={"training": {"rank": 5}}))
    training = Config(**cell.tables).training
    assert (training.rank, training.epochs) == (5, 7)


def test_a_cell_is_known_by_what_its_result_depends_on(write: Write, tmp_path: Path) -> None:
    (one,) = read_plan(write(axes={"policy": {"a": POLICIES["all"]}}))
    (renamed,) = read_plan(write(axes={"policy": {"b": POLICIES["all"]}}))
    (other,) = read_plan(write(axes={"policy": {"a": POLICIES["all"]}}, stream={"records": 40}))
    assert one.cell_id == renamed.cell_id != other.cell_id
    rows = tmp_path / "rows.jsonl"
    ids = set()
    for text in ('{"instruction": "a", "output": "b"}\n', '{"instruction": "a", "output": "c"}\n'):
        rows.write_text(text, "utf-8")
        ids.add(read_plan(write(stream={"kind": "rows", "files": ["rows.jsonl"]}))[0].cell_id)
    assert len(ids) == 2


def test_a_variable_that_no_axis_sets_makes_another_cell(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(config={"training": {"epochs": 2}})
    (one,) = read_plan(path)
    monkeypatch.setenv("CCIT_TRAINING__EPOCHS", "5")
    (other,) = read_plan(path)
    monkeypatch.setenv("CCIT_TRAINING__EPOCHS", "2")
    (same,) = read_plan(path)
    assert one.cell_id == same.cell_id != other.cell_id


def test_the_store_and_the_suites_of_a_base_are_not_the_cells(write: Write, tmp_path: Path) -> None:
    (tmp_path / "live.toml").write_text(
        '[store]\nroot = "/srv/live"\n[rounds.sources.general]\nfile = "live.jsonl"\nratio = 0.5\n'
        '[evaluation.suites]\ndomain = "mine.jsonl"\ngeneral = "its.jsonl"\nother = "third.jsonl"\n',
        "utf-8",
    )
    (live,) = read_plan(write(base="live.toml"))
    assert (live.tables["store"], live.tables["evaluation"]["suites"]) == ({}, {"other": "third.jsonl"})
    assert live.tables["rounds"]["sources"]["general"] == {"ratio": 0.5}
    (tmp_path / "bare.toml").write_text(
        '[rounds.sources.general]\nratio = 0.5\n[evaluation.suites]\nother = "third.jsonl"\n', "utf-8"
    )
    (bare,) = read_plan(write(base="bare.toml"))
    assert live.cell_id == bare.cell_id


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("CCIT_STORE__ROOT", "/srv/live", "store.root"),
        ("CCIT_STORE", '{"root": "/srv/live"}', "store.root"),
        ("CCIT_EVALUATION__SUITES__DOMAIN", "mine.jsonl", "evaluation.suites.domain"),
        ("CCIT_EVALUATION__SUITES", '{"general": "its.jsonl"}', "evaluation.suites.domain"),
        ("CCIT_ROUNDS__SOURCES__GENERAL__FILE", "live.jsonl", "rounds.sources.general.file"),
    ],
)
def test_no_variable_says_where_a_cells_own_files_lie(
    write: Write, monkeypatch: pytest.MonkeyPatch, name: str, value: str, key: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f"the (variable {name} sets {key}|axis 'seed' and the variable {name})"):
        read_plan(write())


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"axes": {"training.rnk": [1]}}, "training.rnk 1, seed 0: training.rnk: Extra inputs are not permitted"),
        ({"axes": {"nothing.such": [1]}}, "nothing"),
        ({"axes": {"training.rank": [0]}}, "training.rank: Input should be greater than or equal to 1 (found 0)"),
        ({"axes": {"selection.policy": [{"kind": "randm"}]}}, "did you mean 'random'"),
        ({"axes": {"stream.noise": [2.0]}}, "stream.noise: Input should be less than or equal to 1 (found 2.0)"),
        ({"axes": {"stream.nois": [0.1]}}, "stream.nois: Extra inputs are not permitted"),
        ({"stream": {"noise": 0.6, "redundancy": 0.6}}, "leave no share for what is new"),
        ({"axes": {"training.rank": []}}, "expected different values on the axis 'training.rank', found 0 values"),
        ({"axes": {"training.rank": [2, 2]}}, "expected different values on the axis 'training.rank', found 2 values"),
        ({"axes": {"rank": [2]}}, "its name must be a key with its section"),
        ({"axes": {"a": POLICIES, "selection.policy.share": [0.5]}}, "both set selection.policy"),
        ({"axes": {"seed": [2]}}, "instead of an axis 'seed'"),
        ({"axes": {"rounds.seed": [2]}}, "both set rounds.seed"),
        ({"config": {"rounds": {"seed": 2}}}, "instead of config.rounds.seed"),
        ({"axes": {"a": {"one": {}, "two": {}}}}, "two cells are the same, a one, seed 0 and a two, seed 0"),
        ({"axes": {"evaluation.max_questions": [10]}}, "evaluation.max_questions = 10 can never show"),
        ({"config": {"store": {"root": "x"}}}, "store.root is set, but every cell makes its own; leave it out"),
        ({"axes": {"evaluation.suites.domain": ["x"]}}, "evaluation.suites.domain is set, but every cell"),
        ({"seeds": []}, "seeds: List should have at least 1 item"),
        ({"sedes": [1]}, "sedes: Extra inputs are not permitted"),
        ({"base": "none.toml"}, "expected a configuration at"),
        ({"stream": {"kind": "rows", "files": ["none.jsonl"]}}, "expected a file of rows at"),
        ({"stream": {"kind": "rows", "files": ["a/x.jsonl", "b/x.jsonl"]}}, "expected files of different names"),
        (
            {
                "config": {"selection": {"checks": {"ifd": False}}},
                "axes": {"selection.policy": [{"kind": "filter_lot", "metrics": ["ifd"]}]},
            },
            "needs a check",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(write: Write, tables: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match="toml") as caught:
        read_plan(write(**tables))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_variable_may_not_take_an_axis_back(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCIT_TRAINING__RANK", "3")
    with pytest.raises(ConfigError, match=r"axis 'training\.rank' and the variable CCIT_TRAINING__RANK"):
        read_plan(write(axes={"training.rank": [2]}))
    monkeypatch.delenv("CCIT_TRAINING__RANK")
    monkeypatch.setenv("CCIT_TRAINING", '{"rank": 3}')
    with pytest.raises(ConfigError, match=r"axis 'training\.rank' and the variable CCIT_TRAINING both set training"):
        read_plan(write(axes={"training.rank": [2]}))


def test_a_variable_that_is_no_json_is_one_sentence(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCIT_KAFKA", "{")
    with pytest.raises(ConfigError, match=r"grid\.toml, seed 0: the environment \(CCIT_\*\): .*kafka"):
        read_plan(write())


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("seeds = [", "utf-8")
    with pytest.raises(ConfigError, match=r"bad\.toml is not valid TOML"):
        read_plan(tmp_path / "bad.toml")
