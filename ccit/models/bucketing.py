"""Fitting token sequences into a window, and into batches of similar length: pure arithmetic on lengths, in tokens.

Shared by scoring, training and evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence

# A batch of an eighth of the budget takes only rows of at least 0.9 of its longest: padding fell from 16% to 7% at 8192
# tokens and from 3.3% to 2.5% at 1024 (benchmarks/scoring.py), and there are at most some eight times as many batches.
_BUSY = 8
_SIMILAR = 0.9
_SLACK, _SLACK_SHARE = 3, 16  # tokens that a row of a packed block may be padded by, or a share of its length


def fit(prompt: int, response: int, window: int, floor: int) -> tuple[int, int]:
    """How many tokens of prompt (its end) and response (its start) are kept in a window.

    The response is whole whenever it leaves `floor` tokens to the prompt, and the prompt loses its start. Only a longer
    response is cut, because a conditional likelihood without any of the prompt says nothing about the prompt.

    Parameters
    ----------
    prompt, response : int
        Their lengths.
    window : int
        Tokens that the model sees, at most.
    floor : int
        Of the prompt, kept in any case (as far as there are so many).

    Example
    -------
    >>> fit(prompt=100, response=50, window=120, floor=30)
    (70, 50)
    >>> fit(prompt=100, response=500, window=120, floor=30)
    (30, 90)
    """
    kept = min(response, window - min(prompt, floor))
    return min(prompt, window - kept), kept


def bucket(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Batches of row numbers, each of at most `budget` tokens once padded to its longest row.

    Rows of similar length meet, longest first, so that a batch which does not fit the memory shows at once. A batch
    that is large enough to keep the hardware busy takes no row that would be mostly padding. A row longer than the
    budget is a batch of its own.

    >>> bucket([30, 10, 29, 9], budget=60)
    [[0, 2], [1, 3]]
    """
    batches: list[list[int]] = []
    longest = 0
    for row in sorted(range(len(lengths)), key=lambda r: -lengths[r]):
        padded = len(batches[-1]) * longest if batches else 0
        busy = padded * _BUSY >= budget
        if batches and padded + longest <= budget and not (busy and lengths[row] < _SIMILAR * longest):
            batches[-1].append(row)
        else:
            batches.append([row])
            longest = lengths[row]
    return batches


def stretches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Batches of row numbers, the longest rows first, each of at most `budget` tokens once packed.

    Neighbours in length stay together, so it takes no longer than sorting; `bins` fills its batches better. What
    `blocks` pads counts. A row longer than the budget is a batch of its own.

    >>> stretches([30, 10, 29, 9, 40], budget=60)
    [[4], [0, 2], [1, 3]]
    """
    batches: list[list[int]] = []
    cost = longest = 0
    for row in sorted(range(len(lengths)), key=lambda r: -lengths[r]):
        width = longest if _joins(lengths[row], longest) else lengths[row]
        if batches and cost + width <= budget:
            batches[-1].append(row)
            cost, longest = cost + width, width
        else:
            batches.append([row])
            cost = longest = lengths[row]
    return batches


def bins(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Batches of row numbers, each of at most `budget` tokens once packed, the longest rows first; by first fit.

    What `blocks` pads counts. A row longer than the budget is a batch of its own.

    >>> bins([30, 10, 29, 9, 40], budget=60)
    [[4, 1, 3], [0, 2]]
    """
    batches: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lambda r: -lengths[r]):
        for batch in batches:
            if packed_tokens(lengths, [[*batch, row]]) <= budget:
                batch.append(row)
                break
        else:
            batches.append([row])
    return batches


def blocks(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbours of like length together: how many rows, and the length of the longest, block by block.

    A row joins the block before it where that pads it by at most a sixteenth, or three tokens.

    >>> blocks([100, 98, 97, 60, 10, 9, 8])
    [(3, 100), (1, 60), (3, 10)]
    """
    found: list[tuple[int, int]] = []
    for length in lengths:
        count, longest = found[-1] if found else (0, 0)
        if count and _joins(length, longest):
            found[-1] = (count + 1, longest)
        else:
            found.append((1, length))
    return found


def _joins(length: int, longest: int) -> bool:
    return 0 <= longest - length <= max(_SLACK, longest // _SLACK_SHARE)


def packed_tokens(lengths: Sequence[int], batches: Sequence[Sequence[int]]) -> int:
    """Tokens that a model computes for these batches, each packed into one row.

    >>> packed_tokens([5, 20, 4, 2], [[1], [0, 2, 3]])
    35
    """
    return sum(count * longest for batch in batches for count, longest in blocks([lengths[i] for i in batch]))


def padded_tokens(lengths: Sequence[int], batches: Sequence[Sequence[int]]) -> int:
    """Tokens that a model computes for these batches, padding included.

    >>> padded_tokens([5, 1, 4, 2], [[0], [2, 3], [1]])
    14
    """
    return sum(len(batch) * max(lengths[i] for i in batch) for batch in batches if batch)
