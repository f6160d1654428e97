"""Who may come in: secrets, keys, and the checks at the door."""
