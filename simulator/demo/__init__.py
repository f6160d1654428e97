"""The demo: a campus of two buildings on this machine, a line that is cut, and the proof that nothing is lost."""
