import pytest

from ccit.models.causal import CausalModel, load_causal
from ccit.models.encoding import encode
from ccit.records import Sample, Turn
from ccit.testing import random_model

SAMPLE = Sample("s", "r", "ward", "en", "Why?", "Because.", history=(Turn("Hello", "Hi"),))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return load_causal(str(random_model(tmp_path_factory.mktemp("model") / "base")), device="cpu", threads=1)


def test_only_the_last_response_and_its_end_carry_loss(model: CausalModel) -> None:
    tokenizer = model.tokenizer
    row = encode(model.chat, SAMPLE, max_tokens=500)
    assert tokenizer.decode(row.ids[row.prompt_length :]) == "Because.<|im_end|>"
    assert tokenizer.decode(row.ids[: row.prompt_length]).endswith(
        "Hi<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n"
    )


@pytest.mark.parametrize("limit", [16, 40, 56])
def test_a_long_prompt_loses_its_start_and_a_long_response_its_end(model: CausalModel, limit: int) -> None:
    whole = encode(model.chat, SAMPLE, max_tokens=500)
    row = encode(model.chat, SAMPLE, limit)
    assert len(row.ids) == limit
    assert row.ids[: row.prompt_length] == whole.ids[whole.prompt_length - row.prompt_length : whole.prompt_length]
    assert row.ids[row.prompt_length :] == whole.ids[whole.prompt_length :][: row.response_tokens]
    long = encode(model.chat, Sample("s", "r", "ward", "en", "Why?", "x" * 900), limit)
    assert (len(long.ids), long.prompt_length) == (limit, limit // 4)
