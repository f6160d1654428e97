"""The link to the cloud: what to send next (`delivery`, no I/O), how (`https`), and the loop (`syncer`)."""
