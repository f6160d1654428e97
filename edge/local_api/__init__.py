"""What the commands ask of the running edge, through its local API."""
