"""OCPP-J 1.6: frames and one connection's RPC state. No I/O."""
