"""The OCPP 1.6 vocabulary: actions, compiled schemas, and what is repaired before they are applied. No I/O."""
