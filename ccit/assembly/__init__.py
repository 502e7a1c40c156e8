"""From a Config to running parts: the only room that names concrete classes together.

Heavy libraries are imported inside the functions that need them, so that a process pays for its own parts alone: the
trainer's parent and `ingest` never load torch.
"""
