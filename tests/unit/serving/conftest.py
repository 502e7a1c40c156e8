from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import trustme
from openai import OpenAI

from ccit.config import Serving
from ccit.models.causal import CausalModel, adapter_files, load_causal, trainable
from ccit.serving.app import create_app
from ccit.serving.engine import Engine
from ccit.serving.readiness import Readiness
from ccit.serving.server import Server
from ccit.serving.slots import Slots
from ccit.testing import random_model
from tests.unit.serving.held import slots_over


@dataclass
class Running:
    """A server on a free port with what it serves."""

    slots: Slots
    engine: Engine
    readiness: Readiness
    server: Server

    def client(self, token: str = "none", **options: Any) -> OpenAI:
        return OpenAI(base_url=f"{self.server.url}/v1", api_key=token, max_retries=0, timeout=60, **options)


Serve = Callable[..., AbstractContextManager[Running]]


@pytest.fixture(scope="package", autouse=True)
def one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A client reads whom it trusts whenever it is made, TLS or not: one here, not the world's 140 (22 ms)."""
    file = tmp_path_factory.mktemp("trusted") / "authorities.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        yield


@pytest.fixture(scope="package")
def base(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    causal = load_causal(str(random_model(tmp_path_factory.mktemp("model"))), device="cpu", threads=1)
    with torch.no_grad():  # special tokens get the logit 0, which no argmax takes: greedy answers go on to the limit
        causal.model.get_input_embeddings().weight[-3:] = 0
    return causal


@pytest.fixture(scope="package")
def adapters(base: CausalModel) -> list[dict[str, bytes]]:
    """Adapters that change the model, each in its own way."""

    def one(seed: int) -> dict[str, bytes]:
        view = trainable(base, 4, 8, 0.0, ["q_proj", "v_proj"], seed)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, weight in view.model.named_parameters():
                if "lora_B" in name:
                    weight.normal_(generator=generator)
        return adapter_files(view)

    return [one(seed) for seed in range(12)]


@pytest.fixture(scope="package")
def serve(base: CausalModel) -> Serve:
    @contextmanager
    def start(*, keep: int = 3, embedder: Any = None, **settings: Any) -> Iterator[Running]:
        configured = Serving(port=0, **settings)
        slots = slots_over(base, keep)
        engine, readiness = (
            Engine(slots, configured.concurrency, configured.queue, configured.queue_seconds),
            Readiness(),
        )
        with Server(create_app(engine, readiness, configured, embedder), configured) as server:
            yield Running(slots, engine, readiness, server)

    return start
