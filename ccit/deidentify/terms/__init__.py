"""Words that look like names: lists, one term to a line; what begins with `#` says where the list is used."""
