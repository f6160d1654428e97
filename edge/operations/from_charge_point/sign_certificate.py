"""SignCertificate ("Improved security for OCPP 1.6-J" A02 and A03): the answer says only whether it will be signed.

The certificate follows with CertificateSigned; `operations.certificate_delivery` sees to it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from edge.domain.alarms import AlarmKind
from edge.domain.security_profile import SecurityProfile
from edge.domain.timestamps import iso
from edge.operations.from_charge_point.request import Request, Response
from edge.store import alarms, charge_points, client_certificates, signing_requests
from edge.store.writer import WriteTx

ONE_PER = timedelta(hours=1)


def handle(request: Request, tx: WriteTx, now: datetime) -> Response:
    """Accept a request for the charge point's own name, once an hour."""
    csr = request.payload.get("csr") or ""
    why = _objection(request.charge_point, csr, tx, now)
    if why is None:
        signing_requests.put(tx.connection, request.charge_point, csr, now)
        return {"status": "Accepted"}
    detail = f"Its certificate signing request was rejected: {why}."
    alarms.raise_alarm(tx, AlarmKind.CERTIFICATE_REFUSED, request.charge_point, detail, now)
    return {"status": "Rejected"}


def _objection(charge_point: str, csr: str, tx: WriteTx, now: datetime) -> str | None:
    from edge.domain import certificates  # noqa: PLC0415 - its library loads slowly, and few charge points ask

    its_row = charge_points.find(tx.connection, charge_point)
    if its_row is None or its_row.security_profile == SecurityProfile.NONE:
        return "it has never shown a key, so anybody might be asking in its name"
    names = client_certificates.names(tx.connection, charge_point)
    names = {name for name in names if not client_certificates.claimed_by_another(tx.connection, charge_point, name)}
    try:
        certificates.check_request(csr, names)
    except certificates.UnfitRequestError as error:
        return str(error)
    last = signing_requests.find(tx.connection, charge_point)
    if last is not None and iso(now - ONE_PER) < last.requested_at <= iso(now):
        return "it asked for one within the last hour already"
    return None
