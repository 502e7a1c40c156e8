from ccit.ports.serving import Drawn, Logprob
from ccit.serving.logprobs import logprobs_of


def test_numbers_that_json_lacks_and_half_characters_are_shown() -> None:
    told = [Drawn(Logprob(b"\xc3", float("-inf")), ())]
    (entry,) = logprobs_of("chat", told)["content"]
    assert entry == {"token": "\ufffd", "logprob": -9999.0, "bytes": [0xC3], "top_logprobs": []}


def test_a_table_holds_the_chosen_token_and_of_tokens_shown_alike_the_likelier() -> None:
    likeliest = (Logprob(b"\xc3", -0.1), Logprob(b"\xc2", -0.2))
    lists = logprobs_of("completion", [Drawn(Logprob(b"No", -5.0), likeliest)] * 2, offset=7)
    assert lists["top_logprobs"][0] == {"\ufffd": -0.1, "No": -5.0}
    assert lists["text_offset"] == [7, 9]


def test_nothing_told_is_null() -> None:
    assert logprobs_of("chat", []) is None
