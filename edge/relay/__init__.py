"""From the inbox to the charge point and back: which command may run (`lifecycle`, no I/O) and running it (`relay`)."""
