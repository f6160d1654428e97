"""What is done with commands: ask, hand out, follow, cancel, expire."""
