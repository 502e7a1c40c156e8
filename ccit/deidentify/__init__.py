"""Taking identities out of clinical documents: what finds them, what takes their place, what looks again."""
