"""Brokers started on this machine. The client side, which does not care whose broker it is, is `consumers/kafka`.

| file | what it is |
|---|---|
| `configured.py` | the broker that a configuration asks for: one that is there already, or the embedded one |
| `embedded.py` | librdkafka's in-process cluster, with its limits |
| `local.py` | Apache Kafka without Docker: a cluster of one node or three |
| `node.py` | one process of that cluster |
| `java.py`, `pom.xml` | Java, and Apache Kafka's jars through Maven |
"""
