"""What the cloud does for its database now and then: partitions made ahead, and what grew old."""
