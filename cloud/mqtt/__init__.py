"""The link over MQTT 5: hears the edges' requests at the broker, and answers them as the HTTP endpoints would."""
