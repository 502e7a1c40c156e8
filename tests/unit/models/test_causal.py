from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load, save

from ccit.errors import ConfigError, ModelUnusable
from ccit.models.causal import CausalModel, adapter_files, frozen, load_causal, trainable, with_adapter
from ccit.testing import random_model

TARGETS = ("q_proj", "v_proj")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def base(folder: Path) -> CausalModel:
    return load_causal(str(folder), device="cpu", threads=1)


@pytest.fixture(scope="module")
def ids(base: CausalModel) -> torch.Tensor:
    return torch.tensor([base.chat.prompt([{"role": "user", "content": "Wie geht es dem Kind?"}])])


def adapter(base: CausalModel, seed: int, rank: int = 4) -> dict[str, bytes]:
    """An adapter that changes the model: B is not zero."""
    view = trainable(base, rank, 8, 0.0, TARGETS, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in view.model.named_parameters():
            if "lora_B" in name:
                weight.normal_(generator=generator)
    return adapter_files(view)


def logits(model: CausalModel, ids: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        result: torch.Tensor = model.model(ids).logits
    return result


def assert_same(found: torch.Tensor, expected: torch.Tensor) -> None:
    """Within rounding: what trains goes through layers that sum in another order (`ccit/models/norms.py`)."""
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_what_is_loaded_is_frozen_and_ready(base: CausalModel, folder: Path) -> None:
    assert not base.model.training
    assert not any(weight.requires_grad for weight in base.model.parameters())
    assert base.tokenizer.pad_token_id is not None
    assert (base.dtype, base.device.type, base.name) == (torch.float32, "cpu", folder.name)


def test_the_tied_head_counts_and_the_embedding_does_not(base: CausalModel) -> None:
    table = base.model.get_input_embeddings().weight.numel()
    everything = sum(weight.numel() for weight in base.model.parameters())
    assert base.parameters == everything - table + table


def test_the_prompt_is_the_chat_template_up_to_the_answer(base: CausalModel) -> None:
    messages = [
        {"role": "user", "content": "Hé"},
        {"role": "assistant", "content": "Ja"},
        {"role": "user", "content": "?"},
    ]
    assert base.tokenizer.decode(base.chat.prompt(messages)) == (
        "<|im_start|>user\nHé<|im_end|>\n<|im_start|>assistant\nJa<|im_end|>\n<|im_start|>user\n?<|im_end|>\n<|im_start|>assistant\n"
    )


def test_two_versions_side_by_side_leave_the_base_as_it_was(base: CausalModel, ids: torch.Tensor) -> None:
    before = logits(base, ids)
    one, ten = adapter(base, 1), adapter(base, 10)
    view_one, view_ten = with_adapter(base, one), with_adapter(base, ten)
    out_one, out_ten = logits(view_one, ids), logits(view_ten, ids)
    assert torch.equal(logits(base, ids), before)
    assert not torch.equal(out_one, out_ten)
    assert not torch.equal(out_one, before)
    assert torch.equal(logits(with_adapter(base, one), ids), out_one)
    assert torch.equal(logits(view_one, ids), out_one)


def test_a_view_shares_every_tensor_of_the_base(base: CausalModel) -> None:
    view = with_adapter(base, adapter(base, 1))
    base_places = {tensor.data_ptr() for tensor in base.model.parameters()}
    own = [name for name, tensor in view.model.named_parameters() if tensor.data_ptr() not in base_places]
    assert own
    assert all("lora_" in name for name in own)
    assert not any("lora_" in name for name, _ in base.model.named_parameters())


def test_views_are_made_while_the_base_answers(base: CausalModel, ids: torch.Tensor) -> None:
    expected, files, wrong, done = logits(base, ids), adapter(base, 1), list[int](), threading.Event()

    def ask() -> None:
        while not done.is_set():
            if not torch.equal(logits(base, ids), expected):
                wrong.append(1)

    asker = threading.Thread(target=ask, daemon=True)
    asker.start()
    views = [logits(with_adapter(base, files), ids) for _ in range(20)]
    done.set()
    asker.join()
    assert not wrong
    assert all(torch.equal(view, views[0]) for view in views)


def test_the_same_seed_gives_the_same_bytes_and_touches_no_global_state(base: CausalModel) -> None:
    state = torch.get_rng_state()
    first = adapter_files(trainable(base, 4, 8, 0.0, TARGETS, 3))
    again = adapter_files(trainable(base, 4, 8, 0.0, TARGETS, 3))
    other = adapter_files(trainable(base, 4, 8, 0.0, TARGETS, 4))
    assert first == again
    assert first["adapter_model.safetensors"] != other["adapter_model.safetensors"]
    assert torch.equal(torch.get_rng_state(), state)


def test_a_fresh_adapter_changes_nothing_and_only_it_is_trained(base: CausalModel, ids: torch.Tensor) -> None:
    view = trainable(base, 4, 8, 0.0, TARGETS, 0)
    assert_same(logits(view, ids), logits(base, ids))
    assert view.model.training
    assert {"lora_" in name for name, weight in view.model.named_parameters() if weight.requires_grad} == {True}
    view.model(ids, labels=ids).loss.backward()
    assert all(weight.grad is None for weight in base.model.parameters())


def test_training_goes_on_from_a_version(base: CausalModel, ids: torch.Tensor) -> None:
    files = adapter(base, 5)
    view = trainable(base, 4, 8, 0.0, TARGETS, 0, start=files)
    assert adapter_files(view) == files
    assert_same(logits(view, ids), logits(with_adapter(base, files), ids))


def test_another_rank_than_the_parents_is_refused(base: CausalModel) -> None:
    with pytest.raises(ConfigError, match=r"rank 8.*has rank 4"):
        trainable(base, 8, 8, 0.0, TARGETS, 0, start=adapter(base, 5))


def test_peft_itself_reads_the_files(base: CausalModel, folder: Path, ids: torch.Tensor, tmp_path: Path) -> None:
    files = adapter(base, 2)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    plain = load_causal(str(folder), device="cpu").model
    assert torch.equal(PeftModel.from_pretrained(plain, tmp_path)(ids).logits, logits(with_adapter(base, files), ids))


def test_a_base_model_has_no_adapter_to_save(base: CausalModel) -> None:
    with pytest.raises(ModelUnusable, match="without an adapter"):
        adapter_files(base)


def changed(files: Mapping[str, bytes], **config: object) -> dict[str, bytes]:
    settings = json.loads(files["adapter_config.json"]) | config
    return {**files, "adapter_config.json": json.dumps(settings).encode()}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"peft_type": "IA3"}, "LORA"),
        ({"use_dora": True}, "use_dora"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"r": 0}, "r must be"),
        ({"r": "4"}, "r must be"),
        ({"lora_alpha": None}, "lora_alpha"),
        ({"target_modules": "all-linear"}, "target_modules"),
        ({"lora_dropout": 2}, "lora_dropout"),
        ({"target_modules": ["no_such_layer"]}, "does not fit"),
        ({"target_modules": ["q_proj"]}, "unknown weight"),
        ({"target_modules": ["k_proj", "q_proj", "v_proj"]}, "lacks weight"),
        ({"r": 8}, "has shape"),
    ],
)
def test_an_adapter_that_does_not_fit_is_refused(base: CausalModel, config: dict[str, object], message: str) -> None:
    with pytest.raises(ModelUnusable, match=message):
        with_adapter(base, changed(adapter(base, 1), **config))


def test_malformed_adapter_files_are_refused(base: CausalModel) -> None:
    files = adapter(base, 1)
    for broken in ({}, {**files, "adapter_config.json": b"{"}, {**files, "adapter_model.safetensors": b"PK\x03\x04"}):
        with pytest.raises(ModelUnusable):
            with_adapter(base, broken)


def test_weights_that_are_not_finite_are_refused(base: CausalModel) -> None:
    files = adapter(base, 1)
    tensors = load(files["adapter_model.safetensors"])
    next(iter(tensors.values()))[0, 0] = float("nan")
    with pytest.raises(ModelUnusable, match="not finite"):
        with_adapter(base, {**files, "adapter_model.safetensors": save(tensors)})


def test_what_is_not_a_model_is_refused_in_one_sentence(folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    mute = Path(shutil.copytree(folder, tmp_path / "mute"))
    (mute / "chat_template.jinja").unlink()
    cut = Path(shutil.copytree(folder, tmp_path / "cut"))
    weights = (cut / "model.safetensors").read_bytes()
    (cut / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    holey = Path(shutil.copytree(folder, tmp_path / "holey"))
    tensors = load(weights)
    del tensors["model.norm.weight"]
    (holey / "model.safetensors").write_bytes(save(tensors, metadata={"format": "pt"}))
    for path, message in ((empty, "cannot be loaded"), (mute, "chat template"), (cut, "cannot"), (holey, "complete")):
        with pytest.raises(ModelUnusable, match=message) as caught:
            load_causal(str(path), device="cpu")
        assert "\n" not in str(caught.value)
    with pytest.raises(ModelUnusable, match="nothing is there"):
        load_causal(str(tmp_path / "absent"))


def test_a_device_or_number_type_that_is_not_there_is_a_configuration_error(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"models\.device"):
        load_causal(str(folder), device="abacus")
    with pytest.raises(ConfigError, match=r"models\.dtype"):
        load_causal(str(folder), dtype="float8")


def test_an_adapter_follows_the_bases_number_type(folder: Path, ids: torch.Tensor) -> None:
    half = load_causal(str(folder), device="cpu", dtype="bfloat16")
    view = with_adapter(half, adapter(half, 1))
    assert {weight.dtype for weight in view.model.parameters()} == {torch.bfloat16}
    assert bool(torch.isfinite(logits(view, ids)).all())
    assert replace(view, model=None).shape is not None


def test_a_frozen_view_stays_as_it_was_and_without_its_adapter_it_is_the_base(
    base: CausalModel, ids: torch.Tensor
) -> None:
    view = trainable(base, 4, 8, 0.5, TARGETS, seed=0, start=adapter(base, seed=1))
    kept, bare = frozen(view), frozen(view, adapted=False)
    before = logits(kept, ids)
    with torch.no_grad():
        for name, weight in view.model.named_parameters():
            if "lora_B" in name:
                weight.zero_()
    assert torch.equal(logits(kept, ids), before)  # dropout is off
    assert not torch.equal(before, logits(base, ids))
    assert_same(logits(bare, ids), logits(base, ids))
    assert not any(weight.requires_grad for weight in (*kept.model.parameters(), *bare.model.parameters()))
    assert any(weight.requires_grad for weight in view.model.parameters())
    embedding = base.model.get_input_embeddings().weight
    assert kept.model.get_input_embeddings().weight is embedding
