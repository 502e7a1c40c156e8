"""Everyday facts: the general ability that the small models have before the hospital opens and should keep.

Each topic is a small table with a few phrasings. `suite_questions` are the phrasings of the general suite; every third
fact of a topic (`EverydayFact.kept_apart`) appears in that phrasing nowhere else.
"""

from dataclasses import dataclass

_NUMBERS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_OPPOSITES = (
    "hot cold,big small,old young,fast slow,day night,up down,wet dry,hard soft,rich poor,early late,open closed,"
    "heavy light,loud quiet,full empty,near far,clean dirty"
)
_COPY_WORDS = (
    "window river table garden button letter bottle candle ladder pencil mirror basket hammer blanket feather kettle "
    "anchor bridge pillow needle saddle carpet lantern trumpet"
)


@dataclass(frozen=True)
class EverydayTopic:
    """One kind of everyday knowledge. `{k}` is what is asked about, `{v}` the answer."""

    name: str
    pairs: tuple[tuple[str, str], ...]
    questions: tuple[str, ...]
    suite_questions: tuple[str, ...]
    answers: tuple[str, ...]
    """The first is the short form in which the suite lists its choices."""

    def values(self) -> tuple[str, ...]:
        """List the distinct answers of this topic, in order of first appearance."""
        return tuple(dict.fromkeys(v for _, v in self.pairs))


@dataclass(frozen=True)
class EverydayFact:
    """One fact of one topic."""

    topic: EverydayTopic
    key: str
    value: str
    kept_apart: bool


def _table(text: str) -> tuple[tuple[str, str], ...]:
    pairs = [entry.rsplit(" ", 1) for entry in text.split(",")]
    return tuple((key, value) for key, value in pairs)


def _following(items: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((item, items[(i + 1) % len(items)]) for i, item in enumerate(items))


TOPICS: tuple[EverydayTopic, ...] = (
    EverydayTopic(
        "opposites",
        _table(_OPPOSITES) + tuple((b, a) for a, b in _table(_OPPOSITES)),
        ("What is the opposite of {k}?", "Name the word that means the contrary of {k}."),
        ("Which word is the opposite of {k}?",),
        ("It is {v}.", "It is {v}. The two words are opposites.", "The opposite of {k} is {v}."),
    ),
    EverydayTopic(
        "colours",
        _table(
            "grass green,snow white,coal black,blood red,a lemon yellow,the sea blue,chocolate brown,ash grey,"
            "a carrot orange,a violet purple,milk white,a ripe tomato red,a frog green,a crow black,"
            "the sky blue,honey golden"
        ),
        ("What colour is {k}?", "Tell me the colour of {k}."),
        ("Which colour does {k} have?",),
        ("It is {v}.", "It is {v}. Anyone can see that.", "The colour is {v}."),
    ),
    EverydayTopic(
        "kinds",
        _table(
            "sparrow bird,eagle bird,owl bird,salmon fish,trout fish,shark fish,oak tree,pine tree,birch tree,"
            "rose flower,tulip flower,daisy flower,apple fruit,pear fruit,cherry fruit,violin instrument,"
            "flute instrument,drum instrument,chair furniture,"
            "desk furniture,sofa furniture,ant insect,wasp insect,beetle insect"
        ),
        ("What kind of thing is the {k}?", "To which group does the {k} belong?"),
        ("The {k} is an example of what?",),
        ("It is a kind of {v}.", "It is a kind of {v}. There are many others.", "The {k} belongs to the group {v}."),
    ),
    EverydayTopic(
        "days",
        _following(_DAYS),
        ("Which day comes after {k}?", "What day follows {k}?"),
        ("If today is {k}, what day is tomorrow?",),
        ("It is {v}.", "It is {v}. The week goes on.", "After {k} comes {v}."),
    ),
    EverydayTopic(
        "months",
        _following(_MONTHS),
        ("Which month comes after {k}?", "What month follows {k}?"),
        ("When {k} is over, which month begins?",),
        ("It is {v}.", "It is {v}. The year goes on.", "After {k} comes {v}."),
    ),
    EverydayTopic(
        "counting",
        tuple((_NUMBERS[i], _NUMBERS[i + 1]) for i in range(20)),
        ("Which number comes after {k}?", "Count one further than {k}."),
        ("What number follows {k}?",),
        ("It is {v}.", "It is {v}. Counting is easy.", "The next number is {v}."),
    ),
    EverydayTopic(
        "sums",
        tuple((f"{_NUMBERS[a]} plus {_NUMBERS[b]}", _NUMBERS[a + b]) for a in range(1, 6) for b in range(1, 6)),
        ("How much is {k}?", "Work out {k}."),
        ("What do you get for {k}?",),
        ("It is {v}.", "It is {v}. The sum is small.", "The sum is {v}."),
    ),
    EverydayTopic(
        "tools",
        _table(
            "cut paper scissors,drive a nail hammer,sweep the floor broom,eat soup spoon,dig a hole shovel,"
            "open a lock key,tell the time clock,sew a button needle,cut wood saw,write a letter pen,"
            "boil water kettle,climb a wall ladder"
        ),
        ("What do you use to {k}?", "Which thing helps to {k}?"),
        ("Somebody wants to {k}. What is needed?",),
        ("Use the {v}.", "Use the {v}. Be careful with it.", "To {k} people take the {v}."),
    ),
    EverydayTopic(
        "places",
        _table(
            "baker bakery,teacher school,farmer farm,sailor ship,judge court,actor theatre,librarian library,"
            "priest church,miller mill,gardener garden,pilot airport,banker bank"
        ),
        ("Where does the {k} work?", "Name the place of work of the {k}."),
        ("Where would you look for the {k} at noon?",),
        ("In the {v}.", "In the {v}. Work begins early there.", "The {k} works in the {v}."),
    ),
    EverydayTopic(
        "young",
        _table(
            "cat kitten,dog puppy,cow calf,sheep lamb,horse foal,pig piglet,hen chick,duck duckling,bear cub,goat kid,"
            "goose gosling,deer fawn"
        ),
        ("What is a young {k} called?", "Name the child of the {k}."),
        ("Which word means a baby {k}?",),
        ("It is called the {v}.", "It is called the {v}. It stays near its mother.", "A young {k} is the {v}."),
    ),
    EverydayTopic(
        "copying",
        tuple((word, word) for word in _COPY_WORDS.split()),
        ("Repeat the word {k}.", "Say the word {k} once."),
        ("Please write down the word {k}.",),
        ("The word is {v}.", "The word is {v}. That was easy.", "You asked for the word {v}."),
    ),
)


def everyday_facts() -> tuple[EverydayFact, ...]:
    """List every everyday fact, topic by topic.

    >>> fact = everyday_facts()[0]
    >>> fact.key, fact.value
    ('hot', 'cold')
    """
    return tuple(EverydayFact(t, k, v, i % 3 == 0) for t in TOPICS for i, (k, v) in enumerate(t.pairs))
