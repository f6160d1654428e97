"""Which carrier leads to an address."""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import urlsplit

from edge.sync.carrier import Carrier
from edge.sync.https import HttpsCarrier
from edge.sync.mqtt import Broker, MqttCarrier
from edge.sync.proof import Proof, SharedSecret

MQTT_PORT, MQTT_TLS_PORT = 1883, 8883


def carrier_to(url: str, *, edge: str, secret: str, ca: Path | None, proof: Proof | None = None) -> Carrier:
    """Make the carrier that the scheme of `url` names. Call it on the running event loop.

    Args:
        url: `https://…`, `http://…`, `mqtts://…` or `mqtt://…`.
        edge: our name; over MQTT also the user name at the broker.
        secret: over MQTT the password at the broker; over HTTPS shown with each request, where there is no `proof`.
        ca: PEM file with the authority of the other side's certificate; `None`: the system's own are trusted.
        proof: signs each request; `None`: this edge was never enrolled.
    """
    address = urlsplit(url)
    secure = address.scheme in {"https", "mqtts"}
    tls = ssl.create_default_context(cafile=ca) if secure and ca is not None else None
    if address.scheme in {"http", "https"}:
        return HttpsCarrier(base_url=url, edge=edge, proof=proof or SharedSecret(secret), tls=tls)
    if secure and tls is None:
        tls = ssl.create_default_context()
    port = address.port or (MQTT_TLS_PORT if secure else MQTT_PORT)
    return MqttCarrier(Broker(address.hostname or "", port, edge, secret, tls), edge=edge, proof=proof)
