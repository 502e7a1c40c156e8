"""How much two texts share of their wording, without any model: MinHash of character shingles.

    J = |A and B| / |A or B|, of the sets A and B of all runs of 5 characters

Of each of 256 hash functions the least value over a text's shingles is taken (Broder 1997; datasketch); two texts have
it in common with probability J. One bit of it is kept (b-bit MinHash with b = 1: Li and Koenig 2010, WWW), as a sign:
two texts agree in (1 + J) / 2 of the signs, so the cosine of the two rows of signs estimates J, with a standard error
of sqrt((1 - J^2) / 256): 0.04 at J = 0.8. That makes wording a space of vectors like the others, in which the nearest
is searched, and which travels with the sample.

The rows are bound to the texts' claims (`ccit/scoring/claims.py`).
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Sequence

import numpy as np

from ccit.ports.vectors import Vectors
from ccit.scoring.claims import VERSION, bound

DIMENSION = 256  # a component is +-1/16: exact at half precision, and so are the cosines
STAMP = f"minhash.v1 signs={DIMENSION} shingle=5 {VERSION}"
_SHINGLE = 5  # characters: of a text of 150, one changed word takes away about one in ten
_READ = 8_000  # characters of a text that are read
_BETWEEN = re.compile(r"\W+")


def signatures(texts: Sequence[str]) -> Vectors:
    """A row of signs / 16 for each text (n, 256), of length 1.

    Example
    -------
    >>> first, same, other = signatures(["Rest two weeks, then walk.", "Rest two weeks; then walk!", "No idea."])
    >>> float(first @ same), bool(abs(first @ other) < 0.3)
    (1.0, True)
    """
    from datasketch import MinHash

    if not texts:
        return np.zeros((0, DIMENSION), dtype=np.float32)
    shingles = [_shingles(text) for text in texts]
    hashes = MinHash.generator(shingles, num_perm=DIMENSION, seed=1, hashfunc=zlib.crc32)
    odd = np.stack([minhash.hashvalues & np.uint64(1) for minhash in hashes])
    return bound(((1.0 - 2.0 * odd) / 16.0).astype(np.float32), list(texts))


def _shingles(text: str) -> list[bytes]:
    """Lower case, without punctuation; a text that is shorter than a shingle is one."""
    read = _BETWEEN.sub(" ", unicodedata.normalize("NFKC", text[:_READ]).casefold()).strip()
    count = max(1, len(read) - _SHINGLE + 1)
    return [run.encode() for run in sorted({read[n : n + _SHINGLE] for n in range(count)})]
