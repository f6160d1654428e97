"""What the site knows and decides. No I/O: every decision receives `now`."""
