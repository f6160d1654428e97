"""The aggregator: what all edges recorded, and the way back down to them."""
