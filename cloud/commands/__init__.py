"""Commands to charge points: asked for here, pulled by the edges, followed until they end."""
