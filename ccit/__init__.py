"""ccit keeps a language model learning from a live stream, and can prove every step."""

__version__ = "0.1.0"
