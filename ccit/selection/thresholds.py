"""The paper's rule (arXiv 2503.15924): fixed thresholds on language, length, novelty, diversity and IFD."""

from __future__ import annotations

from collections.abc import Mapping

from ccit.config import Selection
from ccit.records import Reason, Sample, Score
from ccit.scoring.diversity import ONE_SENTENCE


class PaperThresholds:
    """Refuses by the first threshold that a sample misses, in the order of the checks.

    - language: the primary subtag of `lang` (`en-US` is `en`) must be listed; an empty list accepts all.
    - length: below `min_length` or above `max_length`.
    - novelty: cosine to the nearest known sample at or above `max_similarity`.
    - diversity: below `min_diversity`. A single sentence has no pairs and passes: it is neither diverse nor
      repetitive, and whether an answer is too short is the length's question (`length_unit = "sentences"`).
    - IFD: at or below `min_ifd` the proxy knows it already; at or above `max_ifd` the prompt does not help.
    - a sample that could not be scored for another reason is refused as `unscored`, never taken for 0.

    Parameters
    ----------
    settings : Selection
        The `[selection]` section of the configuration.

    Example
    -------
    >>> rule = PaperThresholds(Selection(min_length=5))
    >>> sample = Sample("s", "r", "ward", "en", "Dose?", "No.")
    >>> rule.refuse(sample, {"length": Score("length", 3.0, "")})
    <Reason.TOO_SHORT: 'too_short'>
    """

    def __init__(self, settings: Selection) -> None:
        self._settings = settings
        self._languages = {_primary(code) for code in settings.languages}

    def refuse(self, sample: Sample, scores: Mapping[str, Score]) -> Reason | None:
        """The first refusal among the scores there are; None lets the sample pass."""
        if self._languages and _primary(sample.lang) not in self._languages:
            return Reason.LANGUAGE
        for metric in ("length", "novelty", "diversity", "ifd"):
            score = scores.get(metric)
            if score is not None and (reason := self._refuse_one(score)) is not None:
                return reason
        return None

    def _refuse_one(self, score: Score) -> Reason | None:
        if score.value is None:
            return None if score.unscored == ONE_SENTENCE else Reason.UNSCORED
        value, limits = score.value, self._settings
        refusals: dict[str, list[tuple[bool, Reason]]] = {
            "length": [(value < limits.min_length, Reason.TOO_SHORT), (value > limits.max_length, Reason.TOO_LONG)],
            "novelty": [(1.0 - value >= limits.max_similarity, Reason.NOT_NOVEL)],
            "diversity": [(value < limits.min_diversity, Reason.NOT_DIVERSE)],
            "ifd": [(value <= limits.min_ifd, Reason.IFD_TOO_LOW), (value >= limits.max_ifd, Reason.IFD_TOO_HIGH)],
        }
        return next((reason for missed, reason in refusals[score.metric] if missed), None)


def _primary(code: str) -> str:
    return code.replace("_", "-").partition("-")[0].strip().lower()
