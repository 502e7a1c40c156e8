from pathlib import Path

import pytest

from ccit.errors import ModelUnusable
from ccit.models.gguf_conversion import convert_gguf


def test_what_is_no_model_is_refused_in_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ModelUnusable, match=r"model\.gguf cannot be read"):
        convert_gguf(file, tmp_path / "out")
