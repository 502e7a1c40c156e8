"""The Kafka plumbing: brokers to run against, topics, clients, the commit protocol and the loop around it.

| file | what it is |
|---|---|
| `embedded.py` | librdkafka's in-process cluster, with its limits |
| `local.py` | Apache Kafka here, without Docker, one node or three (one process: `node.py`; jars: `java.py`) |
| `topics.py` | the topic table and how it comes into being |
| `clients.py` | connection settings and every client option, with the reason for each |
| `messages.py` | what is read, what is to be written, what was written |
| `receipts.py` | the outputs of a batch on their way into the log |
| `commit.py` | the commit protocols: exactly once, at least once |
| `stepper.py` | the thread that decides while another one polls |
| `batches.py` | the loop: read, step, commit; rebalances, retries, shutdown |
| `follower.py` | a topic from its beginning to its end, and on |

Only this package and its neighbours in `consumers/` know `confluent_kafka`.
"""
