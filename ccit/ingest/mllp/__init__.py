"""MLLP, the framing of HL7 v2 on a socket, and what is answered: pure, without sockets, clocks and Kafka.

| file | what it is |
|---|---|
| `framing.py` | bytes in pieces of any size -> frames |
| `answers.py` | AA, AE, AR, CA, CE, CR: which one, and how it is written |
| `reception.py` | whether a frame holds a message that may be stored, and under which key |
| `conversation.py` | one connection: each message answered once at most, in order |

The specification is "Transport Specification: MLLP, Release 1" of HL7, and chapter 2.9 of HL7 v2 for the answers.
"""
