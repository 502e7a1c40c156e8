"""A simulated hospital: a seeded record stream that knows the truth about itself, suites, and text to learn from.

world -> phrasing, everyday -> corpus, suites, stream; nothing here knows the rest of the project.
"""

from ccit.simulation.corpus import CorpusExchange, general_rows, pretraining_exchanges
from ccit.simulation.faults import Truth
from ccit.simulation.stream import SimulatedMessage, hospital_stream
from ccit.simulation.suites import ChoiceQuestion, general_suite, held_out_suite

__all__ = [
    "ChoiceQuestion",
    "CorpusExchange",
    "SimulatedMessage",
    "Truth",
    "general_rows",
    "general_suite",
    "held_out_suite",
    "hospital_stream",
    "pretraining_exchanges",
]
