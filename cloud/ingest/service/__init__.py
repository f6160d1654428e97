"""What the link does: read a body, follow the chain, apply events, greet."""
