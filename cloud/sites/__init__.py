"""The sites of the campus and the health of their links."""
