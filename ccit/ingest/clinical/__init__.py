"""Readers of clinical messages: each turns one of its form into clinical documents."""
