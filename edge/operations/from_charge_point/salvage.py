"""What is done when a handler itself fails: the record is kept as it came, and answered so that it is not repeated.

A CALLERROR to a transaction-related message makes a charge point retry and then throw the record away; when it was a
StartTransaction some end the charging (OCPP 1.6 ed. 2 §3.7.1). So the answer is always good and the doubt is ours.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime

from uuid_utils.compat import uuid7

from contract.events import TransactionStarted
from edge.domain.authorisation import authorise
from edge.operations.from_charge_point.request import Request, Response, subject
from edge.store import id_tags, quarantine, transaction_changes, transaction_frames
from edge.store.writer import WriteTx


def keep(request: Request, tx: WriteTx, now: datetime, reason: str) -> Response:
    """Put the frame into quarantine and make the smallest good answer to a transaction-related request."""
    quarantine.insert(tx.connection, request.charge_point, request.raw, reason, now)
    if request.action == "SignCertificate":
        return {"status": "Rejected"}
    response = _begin(request, tx, now) if request.action == "StartTransaction" else {}
    if request.action in transaction_frames.ACTIONS:
        transaction_frames.insert(tx.connection, request.charge_point, request.raw, response, now)
    return response


def _begin(request: Request, tx: WriteTx, now: datetime) -> Response:
    """Give a start that cannot be understood a number all the same."""
    id_tag = request.payload.get("idTag")
    id_tag = id_tag if isinstance(id_tag, str) else ""
    status = _worth(id_tag, tx, now)
    uuid = uuid7()
    key = f"salvaged|{request.charge_point}|{uuid}"
    number = transaction_changes.insert_orphan(tx.connection, uuid, key, request.charge_point, None, now)
    tx.emit(
        TransactionStarted(
            transaction=uuid,
            transaction_id=number,
            charge_point=request.charge_point,
            connector_id=0,
            id_tag=id_tag,
            id_tag_status=status,
            meter_start_wh=None,
            started_at=now,
            flags=["salvaged"],
        ),
        subject=subject(request.charge_point),
        occurred_at=now,
    )
    return {"transactionId": number, "idTagInfo": {"status": status}}


def _worth(id_tag: str, tx: WriteTx, now: datetime) -> str:
    """Say what the id tag is worth, so that our own fault ends no charging; one that cannot be looked up is Invalid."""
    try:
        return authorise(id_tags.find(tx.connection, id_tag), now).status
    except sqlite3.OperationalError:
        raise
    except Exception:  # noqa: BLE001 - the handler failed before, perhaps over this very id tag
        return "Invalid"
