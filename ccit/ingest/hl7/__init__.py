"""HL7 v2: from bytes to messages, from messages to clinical documents, and what is answered to who sent them.

| file | what it is |
|---|---|
| `charset.py` | MSH-18, and what is done where it is missing or wrong |
| `escapes.py` | `\\F\\`, `\\.br\\`, `\\X0D\\` and the rest of chapter 2.7 |
| `message.py` | bytes to segments, fields, repetitions, components |
| `batch.py` | files with many messages, with and without FHS and BHS |
| `people.py` | which fields name whom: the deny-list of a message |
| `observations.py` | OBX: text, values, documents inside |
| `facts.py` | diagnoses, allergies, procedures and medicines, one segment each |
| `documents.py` | a message's clinical documents |

Tolerant in what is read, exact in what is refused: a refusal is an `InputError` whose sentence names the place and
never quotes the message.
"""
