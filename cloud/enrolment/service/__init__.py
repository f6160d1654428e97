"""What is done about tokens, keys, revocation and broker passwords."""
