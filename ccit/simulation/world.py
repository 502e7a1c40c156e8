"""The closed world of the simulated hospital: what exists and what is true there.

Every name is invented (or an everyday word put to an invented use), so nothing here can be mistaken for medicine and no
language model can know it beforehand: which drug, dose and test belong to a condition is drawn once, from a fixed seed,
and is the same for every stream, suite and model. Conditions come in four groups, the *waves* of the stream; the
*complaints* are the common knowledge that the small models learn before the hospital opens.
"""

import random
from dataclasses import dataclass
from enum import StrEnum
from functools import cache


class Attribute(StrEnum):
    """What can be asked about a condition; each has one true value per condition."""

    DRUG = "drug"
    SCHEDULE = "schedule"
    TEST = "test"


VALUES: dict[Attribute, tuple[str, ...]] = {
    Attribute.DRUG: (
        "velotrin", "oxamire", "cardaxin", "sumelol", "pretovan", "nilazide",
        "borafen", "thyrolex", "quinastat", "ribomel", "doxatide", "lumarol",
    ),
    Attribute.SCHEDULE: (
        "5 mg at dawn", "10 mg every six hours", "15 mg at noon", "20 mg every eight hours",
        "25 mg with supper", "30 mg each morning", "40 mg twice a day", "50 mg at bedtime",
        "60 mg every second day", "75 mg three times a day", "80 mg once a week", "100 mg every twelve hours",
    ),
    Attribute.TEST: (
        "serum copper", "chest film", "spinal fluid", "stool culture", "blood smear", "liver panel",
        "kidney scan", "skin scraping", "nerve study", "heart tracing", "eye pressure", "urine protein",
    ),
}  # fmt: skip

# group -> condition -> department. Eight conditions a wave, so that one round can see every fact several times.
_WAVES: dict[str, dict[str, str]] = {
    "wave-1": {
        "marsh fever": "infectious diseases",
        "river cough": "pulmonology",
        "tannery rash": "dermatology",
        "ferryman's palsy": "neurology",
        "silt colic": "gastroenterology",
        "reed asthma": "pulmonology",
        "millpond eye": "ophthalmology",
        "towpath heart": "cardiology",
    },
    "wave-2": {
        "glassblower's lung": "pulmonology",
        "copper tremor": "neurology",
        "dyer's eczema": "dermatology",
        "furnace anaemia": "cardiology",
        "brass ague": "infectious diseases",
        "loom migraine": "neurology",
        "welder's iritis": "ophthalmology",
        "foundry ulcer": "gastroenterology",
    },
    "wave-3": {
        "caravan flux": "gastroenterology",
        "orchard hives": "dermatology",
        "harvest gout": "cardiology",
        "beekeeper's syncope": "cardiology",
        "vineyard jaundice": "gastroenterology",
        "saddle sciatica": "neurology",
        "haymaker's wheeze": "pulmonology",
        "shepherd's pox": "infectious diseases",
    },
    "wave-4": {
        "lantern blindness": "ophthalmology",
        "frost neuritis": "neurology",
        "chimney croup": "pulmonology",
        "wool dermatitis": "dermatology",
        "attic vertigo": "neurology",
        "hearth pneumonia": "pulmonology",
        "sleigh typhus": "infectious diseases",
        "candle angina": "cardiology",
    },
}

_COMPLAINTS = (
    "headache", "sore throat", "sunburn", "nosebleed", "toothache", "earache", "hiccups", "back pain", "stomach ache",
    "insect bite", "stiff neck", "common cold", "motion sickness", "dry skin", "muscle cramp", "hay fever", "blister",
    "heartburn", "hoarseness", "bruise", "splinter", "sleeplessness", "itchy scalp", "sprained ankle",
)  # fmt: skip

# Fixed: the world's facts must agree between streams, suites and pre-trained models of every seed.
_WORLD_SEED = "ccit simulated hospital, world 1"


@dataclass(frozen=True)
class Condition:
    """One illness of the simulated world, with its true facts."""

    name: str
    department: str
    group: str
    facts: tuple[tuple[Attribute, str], ...]

    def value(self, attribute: Attribute) -> str:
        """Give the true value of `attribute`, for example the first-choice drug."""
        return dict(self.facts)[attribute]


GROUPS: tuple[str, ...] = tuple(_WAVES)


def _with_facts(names: dict[str, str], group: str, rng: random.Random) -> tuple[Condition, ...]:
    """Deal every attribute's values out evenly, so that no value is a better guess than another."""
    decks: dict[Attribute, list[str]] = {}
    for attribute, values in VALUES.items():
        rounds = -(-len(names) // len(values))
        decks[attribute] = rng.sample(values * rounds, len(names))
    return tuple(
        Condition(name, department, group, tuple((a, decks[a][i]) for a in Attribute))
        for i, (name, department) in enumerate(names.items())
    )


@cache
def conditions(group: str | None = None) -> tuple[Condition, ...]:
    """List the hospital's conditions, those of one `group` or all four waves in order.

    >>> len(conditions()), len(conditions("wave-2"))
    (32, 8)
    """
    rng = random.Random(_WORLD_SEED)
    all_waves = [c for name, members in _WAVES.items() for c in _with_facts(members, name, rng)]
    return tuple(c for c in all_waves if group is None or c.group == group)


@cache
def complaints() -> tuple[Condition, ...]:
    """List the everyday complaints: known to the models from pre-training, never in the stream."""
    rng = random.Random(_WORLD_SEED + ", complaints")
    return _with_facts(dict.fromkeys(_COMPLAINTS, "general practice"), "general", rng)
