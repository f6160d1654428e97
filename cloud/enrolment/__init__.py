"""How edges become known: one-time tokens, keys, revocation, and passwords at the broker."""
