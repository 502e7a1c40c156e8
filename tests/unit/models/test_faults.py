import pytest

from ccit.errors import CcitError, ConfigError, MemoryExhausted, TrainingFailed
from ccit.models.faults import library_faults


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (MemoryError(), MemoryExhausted),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), MemoryExhausted),
        (RuntimeError("CUDA error: device-side assert triggered"), TrainingFailed),
        (IndexError("list index out of range"), TrainingFailed),
        (NotImplementedError("on meta tensors"), TrainingFailed),
        (ConfigError("training.rank"), ConfigError),
    ],
)
def test_each_error_has_its_class_and_its_words(raised: Exception, expected: type[CcitError]) -> None:
    with pytest.raises(expected) as found, library_faults("training"):
        raise raised
    assert type(found.value) is expected
    assert str(raised) in str(found.value)


def test_what_the_system_refuses_passes() -> None:
    with pytest.raises(BrokenPipeError), library_faults("training"):
        raise BrokenPipeError
