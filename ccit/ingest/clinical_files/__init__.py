"""Files of clinical records, however large and however they are packed, as messages that can be read one by one.

| file | holds |
|---|---|
| `pieces.py` | one message of a file, or why there is none |
| `opening.py` | a file unpacked by its content, and what it is |
| `context.py` | what resources refer to, on disk for as long as the files are read |
| `exports.py` | FHIR: the resources of NDJSON, lists and Bundles in bounded memory, each with its context |
| `files.py` | files of all forms -> pieces |
"""
