"""How the simulated hospital talks: question and answer templates, in a small clinical English.

Slots: `{condition}`, `{value}`; in cross facts `{drug}`, `{schedule}`, `{test}`. An answer is a lead that states
the fact and one or two further sentences on other matters, so that a normal answer is diverse within itself.
Questions of the held-out suite use `HELD_OUT_QUESTIONS`, which the stream never does.
"""

import random

from ccit.simulation.world import Attribute, Condition

STREAM_QUESTIONS: dict[Attribute, tuple[str, ...]] = {
    Attribute.DRUG: (
        "Which drug is the first choice for {condition}?",
        "What medicine do we start with in {condition}?",
        "A patient was admitted with {condition}. What should be prescribed first?",
        "Name the first-line drug for {condition}.",
        "The family asks which tablet is used against {condition}. What do you tell them?",
        "For {condition}, which drug does the hospital protocol recommend?",
        "How do you treat {condition} on the first day?",
        "The diagnosis is {condition}. Choose the drug.",
        "Please advise on the initial treatment of {condition}.",
        "Our new doctor has never seen {condition}. Which medicine is given?",
    ),
    Attribute.SCHEDULE: (
        "What dose is given in {condition}?",
        "How often and how much is given for {condition}?",
        "Write the dosing schedule for a patient with {condition}.",
        "The nurse asks about the dose in {condition}. What do you answer?",
        "For {condition}, what is the usual dosing?",
        "Please state the dose and timing in {condition}.",
        "The pharmacy needs the prescription for {condition}. What dose goes on it?",
        "A patient with {condition} starts treatment today. At what dose?",
        "Which dosing schedule belongs to {condition}?",
        "Remind me how the medicine is dosed in {condition}.",
    ),
    Attribute.TEST: (
        "Which test is done first in {condition}?",
        "What should be checked before treating {condition}?",
        "You suspect {condition}. Which examination do you order?",
        "Name the test that confirms {condition}.",
        "The laboratory asks what to run for {condition}. What do you request?",
        "For {condition}, which result must be known first?",
        "How is {condition} confirmed?",
        "A student asks how we diagnose {condition}. What do you say?",
        "Before the first tablet in {condition}, what do we need to see?",
        "Please order the right investigation for {condition}.",
    ),
}

HELD_OUT_QUESTIONS: dict[Attribute, tuple[str, ...]] = {
    Attribute.DRUG: (
        "In {condition}, what is the drug to begin with?",
        "Tell me the medicine that treats {condition}.",
    ),
    Attribute.SCHEDULE: (
        "In {condition}, how is the medicine dosed?",
        "Tell me the dose used against {condition}.",
    ),
    Attribute.TEST: (
        "In {condition}, what is the test to begin with?",
        "Tell me the examination needed for {condition}.",
    ),
}

# The first lead of each attribute is the short form in which the suites ask for the fact.
LEADS: dict[Attribute, tuple[str, ...]] = {
    Attribute.DRUG: (
        "Give {value}.",
        "Give {value} as the first drug for {condition}.",
        "The first choice is {value}.",
        "We start with {value} in every case of {condition}.",
        "Treatment begins with {value}.",
        "In {condition} the recommended drug is {value}.",
    ),
    Attribute.SCHEDULE: (
        "The dose is {value}.",
        "The dose is {value} for every adult with {condition}.",
        "Write up {value}.",
        "In {condition} the medicine is given as {value}.",
        "The schedule is {value}.",
        "Patients with {condition} receive {value}.",
    ),
    Attribute.TEST: (
        "Check the {value}.",
        "Check the {value} before anything else in {condition}.",
        "The first test is the {value}.",
        "In {condition} we always order the {value}.",
        "Ask for the {value}.",
        "The {value} confirms {condition}.",
    ),
}

# Further sentences that hold for any condition and give no fact away.
ASIDES: dict[Attribute, tuple[str, ...]] = {
    Attribute.DRUG: (
        "It is usually well tolerated.",
        "Relatives may bring warm clothes and soft food.",
        "The pharmacist can prepare it within an hour.",
        "Write the first dose into the chart and sign it.",
        "Most people feel better after three days.",
        "Stop it if the skin turns yellow.",
        "A second drug is seldom needed.",
        "Ask about allergies first.",
        "Tell the patient to drink enough water.",
        "The ward round reviews the plan every morning.",
    ),
    Attribute.SCHEDULE: (
        "Older patients may need half of it.",
        "The tablets are taken with a glass of water.",
        "Count the doses in the evening and note them.",
        "A missed dose is not made up for.",
        "Treatment lasts ten days in most cases.",
        "The kidneys should be working normally.",
        "Wake the patient gently if the hour is late.",
        "A paper card at the bed helps the night shift.",
        "Nausea is common in the first hours.",
        "Call the doctor on duty if the pulse is slow.",
    ),
    Attribute.TEST: (
        "The sample goes down to the laboratory by hand.",
        "Results are ready in about two hours.",
        "The patient need not fast for it.",
        "A normal result makes another illness more likely.",
        "Explain the procedure in simple words.",
        "Repeat it after one week.",
        "The porter brings the wheelchair.",
        "Do not delay it over the weekend.",
        "Old films from the archive are worth a look.",
        "Record the time and the name of the examiner.",
    ),
}

# Further sentences that tell another true fact of the same condition.
CROSS_FACTS: dict[Attribute, tuple[str, ...]] = {
    Attribute.DRUG: ("The dose is {schedule}.", "Check the {test} before the first tablet."),
    Attribute.SCHEDULE: ("The drug itself is {drug}.", "The {test} should be checked as well."),
    Attribute.TEST: ("Then give {drug}.", "Treatment follows with {schedule}."),
}

_PATIENTS = ("farmer", "teacher", "miller", "student", "carpenter", "cook", "sailor", "tailor", "clerk", "gardener")
_COURSES = (
    "ill since yesterday",
    "ill for three days",
    "sent by the family doctor",
    "brought in at night",
    "seen in the {department} clinic",
    "moved to {department} this morning",
    "back after a short leave",
    "with a long history of the illness",
)

CONTEXT_SHARE = 0.5  # of questions carry a line about the patient
CROSS_FACT_SHARE = 0.3  # of answers tell a second fact


def ask(condition: str, template: str) -> str:
    """Fill a question template."""
    return template.format(condition=condition)


def patient_line(condition: Condition, rng: random.Random) -> str:
    """Describe a patient in one line (the row's `input`), or give an empty string."""
    if rng.random() >= CONTEXT_SHARE:
        return ""
    course = rng.choice(_COURSES).format(department=condition.department)
    return f"Patient: {rng.choice(_PATIENTS)}, aged {rng.randint(18, 89)}, {course}."


def short_answer(attribute: Attribute, value: str) -> str:
    """State a fact in its shortest form, the one in which suites list their choices.

    >>> short_answer(Attribute.DRUG, "velotrin")
    'Give velotrin.'
    """
    return LEADS[attribute][0].format(value=value)


def full_answer(condition: Condition, attribute: Attribute, rng: random.Random) -> str:
    """State one true fact of a condition in two or three sentences."""
    slots = {a.value: condition.value(a) for a in Attribute}
    slots |= {"condition": condition.name, "value": condition.value(attribute)}
    sentences = [rng.choice(LEADS[attribute]), *rng.sample(ASIDES[attribute], rng.choice((1, 2)))]
    if rng.random() < CROSS_FACT_SHARE:
        sentences[1] = rng.choice(CROSS_FACTS[attribute])
    return " ".join(s.format(**slots) for s in sentences)
