"""Virtual charge points and the demo. Shares no code with the edge or the cloud."""
