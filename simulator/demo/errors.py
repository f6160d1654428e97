"""What can keep the demo from running."""


class DemoError(Exception):
    """The demo cannot go on; the text is one sentence for the person in front of it, maybe with a log's tail."""
