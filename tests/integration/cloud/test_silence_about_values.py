"""What the database refuses is told in the log without the values: they may be secrets, or about people."""

from __future__ import annotations

import traceback

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError, StatementError

from cloud.db.copying import copy_rows
from cloud.db.database import Database
from cloud.models.sites import SiteRow
from cloud.observability.logs import set_up_logs
from tests.integration.cloud.conftest import Campus

VALUE = "S3CRET-OF-CP1-XX"
COLUMNS = (SiteRow.site_id, SiteRow.name, SiteRow.created_at, SiteRow.last_command_number)


def told(error: SQLAlchemyError) -> str:
    """As a log shows it, with all its causes."""
    return "".join(traceback.format_exception(error))


async def test_a_crashed_request_logs_no_value_of_its_statement(
    campus: Campus, capsys: pytest.CaptureFixture[str]
) -> None:
    await campus.edge.greet()
    await campus.with_charge_point()
    with campus.database.write() as unit:
        unit.execute(text("CREATE UNIQUE INDEX only_one ON command (site_id)"))
    set_up_logs("warning", "console")
    for _ in range(2):
        setting = {"key": "AuthorizationKey", "value": VALUE}
        answer = await campus.post("sites/tower/central-system/clients/CP1/change-configuration", setting, wait=0)
    log = capsys.readouterr().err
    assert answer.status_code == 500
    assert "INSERT INTO command" in log
    assert VALUE not in log


def test_an_error_of_the_database_names_the_statement_and_the_fault_but_no_value(database: Database) -> None:
    without_created_at = text("INSERT INTO site (site_id, name, last_command_number) VALUES (:value, :value, 0)")
    with pytest.raises(IntegrityError) as refused, database.write() as unit:
        unit.execute(without_created_at, {"value": VALUE})
    assert "created_at" in told(refused.value)
    assert "INSERT INTO site" in told(refused.value)
    assert VALUE not in told(refused.value)


def test_a_statement_that_lacks_a_value_repeats_none_of_the_others(database: Database) -> None:
    with pytest.raises(StatementError) as refused, database.write() as unit:
        unit.execute(text("SELECT :value, :missing"), {"value": VALUE})
    assert "missing" in told(refused.value)
    assert VALUE not in told(refused.value)


def test_many_rows_that_are_refused_are_not_repeated(database: Database) -> None:
    with pytest.raises(IntegrityError) as refused, database.write() as unit:
        copy_rows(unit, SiteRow, COLUMNS, [(VALUE, VALUE, None, 0)])
    assert "created_at" in told(refused.value)
    assert VALUE not in told(refused.value)
