"""Unit vectors at float16 precision: rounding, exact cosines, and their form inside an event.

Rounded components are whole multiples of 2^-24 and no larger than 1, so the products are multiples of 2^-48, and by
Cauchy-Schwarz no partial sum of a dot product exceeds the product of the norms, about 1. Such a sum needs at most 50 of
float64's 53 bits: it is exact in any order, on any machine, in any batch. So, given their vectors, a batch is decided
exactly as if one sample at a time, and a vector stored in a topic gives the scores that it gave when it was new. The
vectors themselves are made by a model, whose arithmetic is only close from one batch or machine to the next: see
`Embedder.embed` in `ccit/ports/vectors.py`.
"""

from __future__ import annotations

import base64
import binascii

import numpy as np
import numpy.typing as npt

from ccit.errors import InputError

Vectors = npt.NDArray[np.float32]
_LITTLE_HALF = np.dtype("<f2")


def quantise(vectors: npt.ArrayLike) -> Vectors:
    """Rows scaled to unit length, then rounded to float16 precision (kept as float32), (n, d).

    The rounding moves a row's length by less than 0.0005. It is not scaled again: that would undo the rounding.

    >>> rows = quantise([[3.0, 4.0]])
    >>> bool((rows == rows.astype(np.float16).astype(np.float32)).all())
    True
    """
    rows = np.atleast_2d(np.asarray(vectors, dtype=np.float64))
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    rounded: Vectors = unit.astype(np.float16).astype(np.float32)
    return rounded


def cosines(left: Vectors, right: Vectors) -> npt.NDArray[np.float32]:
    """Exact dot products of quantised rows, rounded once to float32 and held to [-1, 1], (n, m)."""
    exact = left.astype(np.float64) @ right.astype(np.float64).T
    return np.clip(exact.astype(np.float32), -1.0, 1.0)


def encode_vector(vector: npt.NDArray[np.float32]) -> str:
    """A quantised vector (d,) as base64 of little-endian float16: what `SampleAdmitted.embedding` holds.

    >>> vector = quantise([[0.6, 0.8]])[0]
    >>> bool((decode_vector(encode_vector(vector)) == vector).all())
    True
    """
    return base64.b64encode(np.asarray(vector).astype(_LITTLE_HALF).tobytes()).decode("ascii")


def decode_vector(text: str, dimension: int | None = None) -> npt.NDArray[np.float32]:
    """The float32 vector (d,) that `encode_vector` wrote, bit for bit.

    Raises
    ------
    InputError
        `wrong_schema`: not base64, not whole float16 numbers, not finite, or of another dimension.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError("wrong_schema", f"expected an embedding in base64: {error}") from error
    if not raw or len(raw) % _LITTLE_HALF.itemsize:
        raise InputError("wrong_schema", f"expected an embedding of whole float16 numbers, found {len(raw)} bytes")
    vector = np.frombuffer(raw, dtype=_LITTLE_HALF).astype(np.float32)
    if dimension is not None and len(vector) != dimension:
        raise InputError("wrong_schema", f"expected an embedding of {dimension} numbers, found {len(vector)}")
    if not np.isfinite(vector).all():
        raise InputError("wrong_schema", "expected an embedding of finite numbers, found NaN or infinity")
    return vector
