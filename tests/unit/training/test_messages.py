import subprocess
import sys

from ccit.config import Config
from ccit.records import (
    AdapterPair,
    Artifact,
    Candidate,
    Due,
    Estimate,
    Material,
    OffsetRange,
    Question,
    Round,
    Sample,
    Spend,
    SuiteResults,
    Turn,
    Verdict,
    Version,
)
from ccit.training.messages import (
    TO_CHILD,
    TO_PARENT,
    Evaluated,
    EvaluateJob,
    Failed,
    Job,
    Progressed,
    Ready,
    Reply,
    Setup,
    Trained,
    TrainJob,
)

ARTIFACT = Artifact("store://1", {"a": "2"})
PAIR = AdapterPair(ARTIFACT, ARTIFACT)
SAMPLE = Sample("s", "r", "ward", "zh", "为什么?\n", "因为", (Turn("a", "b"),), "g")
ESTIMATE = Estimate(1.5, -2.0, 3.0)
VERDICT = Verdict("promote", "why", ESTIMATE, ESTIMATE, 0.0, 0.5, {"g": 0.5}, 0.5, 0.4, {"g": 0.4}, 0.5, 1.0, 2.0, 0.97)
ROUND = Round(
    "ccit", (OffsetRange(0, 1, 2),), ("s",), (), "d", {}, 0, "m", "1", "p", "2", "c", "k", 7, Due("size", "x")
)
VERSION = Version("ccit", 1, 0, "r", "m", "1", "p", "2", PAIR, 4, ("q_proj",), VERDICT, {"training": 1}, (), "c", "k")
CANDIDATE = Candidate("r", PAIR, 4, ("q_proj",), {"deployed_first": 1.0}, Spend(5, 2.5), 0.1)


def test_every_message_survives_the_pipe() -> None:
    down: list[Setup | Job] = [
        Setup.of(Config()),
        Setup.of(Config.model_validate({"training": {"methods": [{"kind": "ema", "decay": 0.5}]}})),
        TrainJob(ROUND, Material((SAMPLE,), (SAMPLE,)), VERSION),
        EvaluateJob(PAIR, {"domain": (Question("q", "g", "p", "a", ("a", "b")),)}, (SAMPLE,)),
        EvaluateJob(None, {}, ()),
    ]
    for message in down:
        line = TO_CHILD.dump_json(message)
        assert b"\n" not in line
        assert TO_CHILD.validate_json(line) == message
    up: list[Reply] = [
        Ready(),
        Progressed("train deployed", 1, 2),
        Trained(CANDIDATE),
        Evaluated(SuiteResults({"domain": ()}, float("inf"), Spend(1, 2.0))),
        Failed("ModelUnusable", "one sentence"),
    ]
    for reply in up:
        assert TO_PARENT.validate_json(TO_PARENT.dump_json(reply)) == reply


def test_the_parent_never_loads_torch() -> None:
    code = "import sys, ccit.training.process; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
