"""The server asked by lm-eval: `make test-lm-eval`, which puts that into an environment of its own.

lm-eval brings 35 packages and 400 MB (pandas, pyarrow, datasets), of which datasets changes what transformers and
sentence-transformers import: so it is no part of the environment that the other tests run in, and pytest finds this
file by its name alone.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.serving.conftest import Running, Serve

TOKENS = 12
TOKEN = "geheim"
QUESTIONS = [f"Which dose of drug {number}?" for number in range(8)]
RIGHT = 6  # of the answers, so many are what the server says
EARLIER = [("Which dose of drug 77?", "5 mg"), ("Which dose of drug 78?", "10 mg")]


@pytest.fixture(scope="module")
def running(serve: Serve, adapters: list[dict[str, bytes]]) -> Iterator[Running]:
    with serve(token=TOKEN) as running:
        running.slots.load(1, adapters[1])
        running.slots.activate(1)
        yield running


def answers(running: Running, kind: str, shots: int) -> list[str]:
    """What openai's own client is told."""
    client = running.client(TOKEN)
    wished: Any = {"model": "ccit", "temperature": 0, "max_tokens": TOKENS, "stop": ["\n\n"]}
    if kind == "local-completions":
        return [client.completions.create(prompt=question, **wished).choices[0].text for question in QUESTIONS]
    earlier: list[Any] = []
    for question, answer in EARLIER[:shots]:
        earlier += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    found = []
    for question in QUESTIONS:
        reply = client.chat.completions.create(messages=[*earlier, {"role": "user", "content": question}], **wished)
        found.append(reply.choices[0].message.content or "")
    return found


def write_task(folder: Path, given: list[str]) -> None:
    """A task of lm-eval over files beside it; the last answers are wrong."""
    rows = {
        "earlier": EARLIER,
        "asked": list(zip(QUESTIONS, [*given[:RIGHT], *(["never"] * (len(given) - RIGHT))], strict=True)),
    }
    for name, pairs in rows.items():
        lines = [json.dumps({"question": question, "answer": answer}) for question, answer in pairs]
        (folder / f"{name}.jsonl").write_text("\n".join(lines), "utf-8")
    task = {
        "task": "doses",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {name: str(folder / f"{name}.jsonl") for name in rows}},
        "output_type": "generate_until",
        "test_split": "asked",
        "fewshot_split": "earlier",
        "fewshot_config": {"sampler": "first_n"},
        "doc_to_text": "{{question}}",
        "doc_to_target": "{{answer}}",
        "target_delimiter": "",
        "generation_kwargs": {"until": ["\n\n"], "max_gen_toks": TOKENS, "do_sample": False},
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
    }
    (folder / "doses.yaml").write_text(json.dumps(task), "utf-8")  # JSON is YAML


@pytest.mark.parametrize(
    ("kind", "path", "shots"),
    [("local-chat-completions", "chat/completions", 2), ("local-completions", "completions", 0)],
)
def test_a_tiny_task_is_scored(running: Running, tmp_path: Path, kind: str, path: str, shots: int) -> None:
    write_task(tmp_path, answers(running, kind, shots))
    model = {
        "base_url": f"{running.server.url}/v1/{path}",
        "model": "ccit",
        "num_concurrent": 4,
        "max_retries": 1,
        "tokenizer_backend": "none",
        "tokenized_requests": False,
    }
    options = {
        "--model": kind,
        "--model_args": json.dumps(model),
        "--include_path": str(tmp_path),
        "--tasks": "doses",
        "--num_fewshot": str(shots),
        "--output_path": str(tmp_path / "out"),
    }
    chat = ["--apply_chat_template", "--fewshot_as_multiturn"] if kind == "local-chat-completions" else []
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        ["lm-eval", "run", *(word for option in options.items() for word in option), *chat],
        env={**os.environ, **offline, "OPENAI_API_KEY": TOKEN},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (found,) = (tmp_path / "out").rglob("results_*.json")
    results = json.loads(found.read_text("utf-8"))
    assert results["results"]["doses"]["exact_match,none"] == RIGHT / len(QUESTIONS)
    assert results["n-samples"]["doses"]["effective"] == len(QUESTIONS)
