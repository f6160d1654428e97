"""What the edge does at charge points by itself: configuration, availability, local lists, firmware, diagnostics."""
