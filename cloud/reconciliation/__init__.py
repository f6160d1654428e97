"""Per building and day: the transactions of the edge against those of the cloud."""
