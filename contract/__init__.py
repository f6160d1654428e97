"""What edge and cloud agree on: streams, events, batches, commands, operations and API resources."""
