import pytest
from pydantic import BaseModel

from ccit.serving.refusals import RequestRefused, refuse_unknown


class Known(BaseModel):
    stop: int


def test_a_long_name_is_not_repeated() -> None:
    with pytest.raises(RequestRefused) as caught:
        refuse_unknown({"x" * 5000: 1}, Known)
    assert len(str(caught.value)) < 200
    assert caught.value.body["error"]["code"] == "unknown_parameter"
