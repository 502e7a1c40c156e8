"""Readers: each turns a message of its type into records."""
