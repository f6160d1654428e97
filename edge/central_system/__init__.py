"""The WebSocket side: who may connect, one connection's life, who is connected now."""
