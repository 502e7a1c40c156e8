"""Fuzz with a fixed seed: tens of thousands of mutations of sound messages, artifacts and snapshots.

Messages: no exception, exactly one output each, and whatever ingest lets through a scorer can read. Files: refused, or
read exactly as they were written; never anything else.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from ccit.config import Config
from ccit.errors import ArtifactDamaged, StorageFailed
from ccit.fates import Fates
from ccit.ingest.rows import sample_from_record
from ccit.lineage import Lineage
from ccit.records import DEAD_LETTER_REASONS, Artifact, Position
from ccit.scoring.snapshot import Snapshot, SnapshotOrigin, read_snapshot, write_snapshot
from ccit.store.files import FileStore
from ccit.vectors import quantise
from consumers.dead_letters import letter_in
from consumers.ingest import IngestStep
from consumers.kafka.messages import Headers, KafkaMessage, Output
from consumers.kafka.topics import Topics
from consumers.samples_view import SamplesView
from consumers.score_step import ScoreStep, record_in
from tests.crash.parts import stub_scoring
from tests.poison.corpus import MAX_BYTES, SECRET, good_record, row

SEED = 20261122
MALFORMED = 10_000  # messages that must be refused before the fuzz ends, per step
DAMAGED = 5_000  # artifacts that must be refused before the fuzz ends, and as many snapshots
TOPICS = Topics()

TOKENS = (
    b"NaN",
    b"-Infinity",
    b"1e9999",
    b"-0",
    b"9" * 400,
    b'"\\ud800"',
    b'"\\u0000"',
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"[" * 200,
    b'{"a":' * 70,
    b"\x00",
    b"\xff\xfe",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\\",
    b'"',
    b",",
    b"\n",
    b"\xe2\x80\xae",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1.5,
    2**63,
    "",
    " ",
    "a\0b",
    "\u202e",
    [],
    {},
    [[]],
    {"a": {"b": []}},
    "x" * 300,
)
HEADERS: tuple[Headers, ...] = (
    (),
    (("content-type", b"application/json"),),
    (("content-type", None),),
    (("content-type", b"text/html"),),
    (("content-type", b"\xff"), ("ccit_attempts", b"-1")),
    (("ce_type", b"ccit.sample-admitted.v1"),),
    (("ce_type", None), ("", b"")),
    (("ccit_attempts", b"999999999999999999"), ("ccit_reason", b"x"), ("ccit_redriven", b"0")),
    tuple((f"h{n}", bytes([n])) for n in range(200)),
)


def flipped(rng: random.Random, value: bytes) -> bytes:
    """One to four bits the other way."""
    changed = bytearray(value)
    for _ in range(rng.randint(1, 4)):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(rng: random.Random, value: bytes) -> bytes:
    """Without its end, its beginning, or a piece in the middle."""
    one, other = sorted(rng.choices(range(len(value) + 1), k=2))
    return rng.choice([value[:one], value[other:], value[:one] + value[other:]])


def spliced(rng: random.Random, value: bytes) -> bytes:
    """A piece of it, or a token that parsers dislike, put somewhere into it."""
    at = rng.randrange(len(value) + 1)
    one, other = sorted(rng.choices(range(len(value) + 1), k=2))
    return value[:at] + rng.choice([value[one:other], rng.choice(TOKENS)]) + value[at:]


def swapped(rng: random.Random, value: bytes) -> bytes:
    """A value of another type in the place of one, at any depth; text that is not JSON stays."""
    try:
        tree = orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
    nodes = [node for node in walked(tree) if node]
    if nodes:
        node = rng.choice(nodes)
        place = rng.choice(list(node) if isinstance(node, dict) else range(len(node)))
        node[place] = rng.choice(VALUES)
    return orjson.dumps(tree)


def walked(node: Any) -> Iterator[Any]:
    """Every object and list, the root first."""
    if isinstance(node, dict):
        yield node
        for inner in node.values():
            yield from walked(inner)
    elif isinstance(node, list):
        yield node
        for inner in node:
            yield from walked(inner)


MUTATIONS: tuple[Callable[[random.Random, bytes], bytes], ...] = (flipped, cut, spliced, swapped)


def mutated(rng: random.Random, value: bytes) -> bytes:
    """One to three mutations, one after another."""
    for _ in range(rng.randint(1, 3)):
        value = rng.choice(MUTATIONS)(rng, value)
    return value


def rows() -> list[bytes]:
    """Sound rows of every shape."""
    return [
        orjson.dumps(row()),
        orjson.dumps(row(id=7, input="An input.", extra={"a": [1, 2.5, None, "x"]})),
        orjson.dumps(row(meta={"history": [["Hello?", "Good day."], ["And?", "So."]], "group": "heart"})),
        orjson.dumps(row(output="Grüße, 你好, \U0001f489, \u202e", lang="zh", source="")),
    ]


def require_sound(output: Output, message: KafkaMessage) -> None:
    """A dead letter with everything in it."""
    letter = letter_in(KafkaMessage(output.topic, 0, 0, output.key, output.value, output.headers))
    assert letter.reason in DEAD_LETTER_REASONS
    assert letter.reason != "unscorable"
    assert 0 < len(letter.error) < 400
    assert SECRET not in letter.error
    assert (letter.value, letter.key, letter.offset) == (message.value, message.key, message.offset)
    assert letter.headers == tuple((n, v) for n, v in message.headers if not n.startswith("ccit_"))


def test_ingest_answers_every_mutated_row_with_one_record_or_one_dead_letter() -> None:
    rng, seeds = random.Random(SEED), rows()
    step = IngestStep(Config.model_validate({"ingest": {"max_bytes": MAX_BYTES}}), clock=lambda: 0.0)
    refused = offset = 0
    while refused < MALFORMED:
        headers = rng.choice(HEADERS) if rng.random() < 0.2 else ()
        message = KafkaMessage(TOPICS.raw.name, 0, offset, None, mutated(rng, rng.choice(seeds)), headers)
        (output,) = step([message])
        offset += 1
        if output.topic == TOPICS.dead_letters.name:
            refused += 1
            require_sound(output, message)
        else:
            written = KafkaMessage(output.topic, 0, 0, output.key, output.value, output.headers)
            assert sample_from_record(record_in(written, MAX_BYTES)).response


def test_a_scorer_answers_every_mutated_record_with_one_decision_or_one_dead_letter(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    config = Config.model_validate({"store": {"root": str(tmp_path)}, "selection": {"checks": {"length": {"min": 0}}}})
    scoring = stub_scoring(config, 0.0)
    known = SamplesView(scoring, TOPICS.samples.name, Fates(Lineage(scoring.base)))
    step = ScoreStep(scoring, TOPICS, MAX_BYTES, lambda: 0.0, known, exactly_once=True)
    refused = offset = 0
    while refused < MALFORMED:
        batch = []
        for _ in range(100):
            value, headers = good_record(rng.randrange(50))
            headers += rng.choice(HEADERS) if rng.random() < 0.2 else ()
            batch.append(KafkaMessage(TOPICS.records.name, 0, offset, None, mutated(rng, value), headers))
            offset += 1
        outputs = step(batch)
        step.aborted()
        assert len(outputs) == len(batch)
        letters = [output for output in outputs if output.topic == TOPICS.dead_letters.name]
        assert all(o.topic in (TOPICS.samples.name, TOPICS.rejects.name) for o in outputs if o not in letters)
        for letter in letters:
            place = letter_in(KafkaMessage(letter.topic, 0, 0, letter.key, letter.value, letter.headers)).offset
            require_sound(letter, batch[place - batch[0].offset])
        refused += len(letters)


def objects(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted((root / "objects").iterdir())}


def damage_object(rng: random.Random, kept: Mapping[Path, bytes]) -> Path:
    """Change, cut, swap or remove one stored object; which one."""
    path = rng.choice(list(kept))
    damaged = rng.choice([flipped, cut, spliced])(rng, kept[path])
    if rng.random() < 0.1:
        damaged = kept[rng.choice(list(kept))]
    path.write_bytes(damaged)
    if rng.random() < 0.05:
        path.unlink()
    return path


def damage_table(rng: random.Random, artifact: Artifact) -> Artifact:
    """Another digest, name or uri in what was announced."""
    files = dict(artifact.files)
    name = rng.choice(list(files))
    digest = files[name]
    change = rng.randrange(5)
    if change == 0:
        files[name] = flipped(rng, digest.encode()).decode("latin-1")
    elif change == 1:
        files[name] = rng.choice(["", "../" * 3 + "etc/passwd", digest.upper(), digest[:-1], digest + "\n"])
    elif change == 2:
        del files[name]
    elif change == 3:
        files["../" + name] = files.pop(name)
    else:
        return replace(artifact, uri=flipped(rng, artifact.uri.encode()).decode("latin-1"))
    return replace(artifact, files=files)


def test_a_mutated_artifact_is_refused_or_read_as_it_was_written(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    store = FileStore(tmp_path)
    contents = {"adapter_config.json": b'{"r": 4}', "adapter_model.safetensors": rng.randbytes(3000), "b/empty": b""}
    artifact = store.put_files(contents)
    kept = objects(tmp_path)
    refused = 0
    while refused < DAMAGED:
        asked, path = artifact, None
        if rng.random() < 0.5:
            asked = damage_table(rng, artifact)
        else:
            path = damage_object(rng, kept)
        try:
            assert dict(store.read(asked)) == contents
        except (ArtifactDamaged, StorageFailed):
            refused += 1
        if path is not None:
            path.write_bytes(kept[path])
    assert dict(store.read(artifact)) == contents


ORIGIN = SnapshotOrigin(TOPICS.samples.name, "ccit", "embedder")


def snapshot_of(rng: random.Random) -> Snapshot:
    count = 40
    vectors = quantise(np.random.default_rng(SEED).normal(size=(count, 8)))
    return Snapshot(
        ORIGIN,
        {0: 7, 3: 99},
        tuple(Position(n % 4, n) for n in range(count)),
        tuple(f"s{n}" for n in range(count)),
        tuple(hashlib.sha256(rng.randbytes(4)).hexdigest() for _ in range(count)),
        {"sample": vectors},
    )


def same(one: Snapshot, other: Snapshot) -> bool:
    fields = ("origin", "next_offsets", "positions", "sample_ids", "digests", "policy")
    vectors = np.array_equal(one.vectors["sample"], other.vectors["sample"])
    return vectors and all(getattr(one, f) == getattr(other, f) for f in fields)


def test_a_mutated_snapshot_is_refused_or_read_as_it_was_written(tmp_path: Path) -> None:
    rng, path = random.Random(SEED), tmp_path / "novelty"
    snapshot = snapshot_of(rng)
    write_snapshot(path, snapshot)
    sound = path.read_bytes()
    refused = 0
    while refused < DAMAGED:
        path.write_bytes(rng.choice([flipped, cut, spliced])(rng, sound))
        try:
            assert same(read_snapshot(path, ORIGIN), snapshot)
        except ArtifactDamaged:
            refused += 1


def test_a_mutated_snapshot_with_the_right_digest_is_refused_or_whole(tmp_path: Path) -> None:
    rng, path = random.Random(SEED), tmp_path / "novelty"
    write_snapshot(path, snapshot_of(rng))
    _, _, body = path.read_bytes().partition(b"\n")
    head = body.index(b"\n", body.index(b"\n") + 1)
    for _ in range(DAMAGED):
        changed = mutated(rng, body[:head]) + body[head:]
        path.write_bytes(hashlib.sha256(changed).hexdigest().encode() + b"\n" + changed)
        try:
            found = read_snapshot(path, ORIGIN)
        except ArtifactDamaged:
            continue
        counts = {len(found.positions), len(found.sample_ids), len(found.digests), len(found.vectors)}
        assert len(counts) == 1
        assert all(len(digest) == 64 for digest in found.digests)


def test_no_snapshot_is_no_damage(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_snapshot(tmp_path / "none", ORIGIN)
