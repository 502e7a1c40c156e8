"""Protocols at the seams: what the spine asks of the rooms that know torch, FAISS or a disk, and what plug-ins fill.

Each port has one contract test suite in `tests/contract/`, run over every implementation.
"""
