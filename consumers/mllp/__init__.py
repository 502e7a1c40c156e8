"""The process `ccit mllp`: HL7 v2 over MLLP -> clinical. A message is acknowledged once Kafka has it, never before.

| file | what it is |
|---|---|
| `access.py` | who may connect: addresses, how many at a time, TLS |
| `publisher.py` | messages on their way to Kafka, and the report of each |
| `connection.py` | one sender |
| `listener.py` | all of them |

What is said on a connection is decided in `ccit/ingest/mllp/`, which knows no socket.
"""
