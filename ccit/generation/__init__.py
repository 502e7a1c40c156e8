"""Instruction rows from clinical documents without identities: by templates, and by a model that is held to the record.

| file | holds |
|---|---|
| `source.py` | a document's text as it is shown to a model: data behind a mark, in a language |
| `jinja.py` | the sandbox in which prompts and templates are rendered, and their digests |
| `prompts.py` | a prompt: what is asked, and what row its reply becomes |
| `replies.py` | the schema of a reply, and a reply that has been read |
| `constraints.py` | what a reply must satisfy, in order |
| `evidence.py`, `numbers.py`, `identifiers.py`, `echoes.py` | four of them |
| `conversation.py` | asking, once more with the fault named, and the end of it |
| `making.py` | what becomes of one document |
| `asking.py` | one request: its digest, its answer |
| `answers.py` | answers kept on disk, so that none is asked for twice |
| `budget.py` | tokens an hour |
| `asker.py` | kept answers, seats, budget and the endpoint, together |
| `endpoint.py` | an OpenAI-compatible endpoint, and what its errors mean |
| `structured.py` | rows of structured records, without a model |
| `rows.py` | rows, and what they say of how they were made; `origins.py` carries that on to the decision |
| `texts/` | prompts and templates in English and Chinese |
"""
