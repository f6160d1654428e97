"""The newest of each connector, as its edge tells it beside the streams. A picture, and no record."""
