"""What is heard of dbt (orchestration/dbt_events.py)."""

import logging

import pytest
from dbt_common.events import event_manager
from dbt_common.events.base_types import msg_from_base_event

from ingestion.settings import Settings
from orchestration.dbt import run_dbt


def test_nodes_that_end_and_warnings_are_heard_and_no_query_is_put_into_words(
    built: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []

    def note(event, level=None):
        said.append(type(event).__name__)
        return msg_from_base_event(event, level)

    monkeypatch.setattr(event_manager, "msg_from_base_event", note)
    with caplog.at_level(logging.INFO, logger="orchestration.dbt"):
        run_dbt(built, "build", "--select", "dim_dates")
        run_dbt(built, "run", "--select", "no_such_model")
    assert "model dim_dates: success" in caplog.messages
    assert {"NodeFinished", "NoNodesForSelectionCriteria"} <= set(said)
    assert not {"SQLQuery", "SQLQueryStatus", "NewConnection", "NodeCompiling"} & set(said)
