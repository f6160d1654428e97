"""The link's upper end: greetings, and batches of events that become rows and a cursor in one transaction."""
