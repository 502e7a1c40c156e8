"""The client side of Kafka: topics, clients, the commit protocol and the loop around it.

| file | what it is |
|---|---|
| `topics.py` | the topic table and how it comes into being |
| `clients.py` | connection settings and every client option, with the reason for each |
| `client_options.py` | which options a configuration may set |
| `messages.py` | what is read, what is to be written, what was written |
| `intake.py` | what a client hands to a reader, sorted: messages, ends, errors |
| `oversized.py`, `expired.py` | stretches of the log that no reader can have, and reading on behind them |
| `receipts.py` | the outputs of a batch on their way into the log |
| `commit.py` | the commit protocol: how outputs and offsets become facts |
| `exactly_once.py`, `at_least_once.py` | the two that keep it, with transactions and without |
| `deadlines.py` | calls that want to be repeated, and those that may never return |
| `offsets.py` | where a group continues |
| `stepper.py` | the thread that decides while another one polls |
| `member.py` | a member of a group: what it owns and has read, and how partitions come and go |
| `batches.py` | the loop: read, step, commit; retries, shutdown |
| `pace.py` | how large a batch may be, so that it is decided within seconds |
| `backlog.py` | what is still to be decided: lag and age |
| `follower.py` | a topic from its beginning to its end, and on |

It knows nothing of its neighbours in `consumers/`, which are built on it.
"""
