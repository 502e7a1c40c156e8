"""What checks share that give no number in a language that the embedder does not know: who has none, who passes, and
what the embedder did not see of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from ccit.ports.selection import CheckContext
from ccit.records import Sample, Score
from ccit.scoring.languages import UNKNOWN_LANGUAGE, unknown_language
from ccit.scoring.spaces import answer_text, question_text
from ccit.selection.reasons import UNSCORED


def scored_where_known(
    samples: Sequence[Sample],
    languages: Collection[str],
    scored: Callable[[Sequence[Sample]], Sequence[Score]],
    unscored: Callable[[str], Score],
) -> list[tuple[Score, ...]]:
    """One Score per sample, in order.

    Parameters
    ----------
    languages : Collection[str]
        Those that the embedder knows; none: all.
    scored : Callable
        Scores the samples in these languages, all at once.
    unscored : Callable
        The Score of another one, given why it has no value.

    Example
    -------
    >>> english = Sample("s", "r", "ward", "en", "How long?", "Rest for two weeks.")
    >>> chinese = Sample("t", "r", "ward", "zh", "多喝水吗？", "每天八杯水，分几次喝。")
    >>> def unscored(why):
    ...     return Score("m", None, "v", unscored=why)
    >>> known = scored_where_known([chinese, english], {"en"}, lambda known: [Score("m", 1.0, "v")], unscored)
    >>> [score.value for (score,) in known], known[0][0].unscored
    ([None, 1.0], 'in a language that the embedder does not know: zh')
    """
    reasons = [unknown_language(sample, languages) for sample in samples]
    known = [sample for sample, why in zip(samples, reasons, strict=True) if not why]
    found = iter(scored(known) if known else ())
    return [(unscored(why) if why else next(found),) for why in reasons]


def refused_without_value(score: Score, *passing: str) -> str | None:
    """`unscored` for a Score without a value, unless it is for the language or for one of the `passing` reasons.

    >>> refused_without_value(Score("m", None, "v", unscored="one sentence"), "one sentence") is None
    True
    >>> refused_without_value(Score("m", None, "v", unscored="not finite"), "one sentence")
    'unscored'
    """
    passes = score.unscored in passing or score.unscored.startswith(UNKNOWN_LANGUAGE)
    return None if passes else UNSCORED


def unseen_of(samples: Sequence[Sample], context: CheckContext) -> list[int]:
    """Of each sample, the tokens of question and answer that the embedder does not see.

    >>> from ccit.testing import check_context
    >>> unseen_of([Sample("s", "r", "ward", "en", "How long?", "Two weeks.")], check_context())
    [0]
    """
    unseen = context.unseen([*map(question_text, samples), *map(answer_text, samples)])
    return [asked + said for asked, said in zip(unseen[: len(samples)], unseen[len(samples) :], strict=True)]
