"""The docs site, as a real browser shows it, and what it must hold."""

from pathlib import Path
from typing import Any

import pytest

from ingestion.settings import Settings
from orchestration.dashboard import read_panels
from orchestration.dbt import read_manifest
from orchestration.docs import write_docs
from tests.python.browser import browser_page, needs_chromium


@pytest.fixture(scope="module")
def manifest(built: Settings) -> dict[str, Any]:
    return read_manifest(built)


@needs_chromium
def test_the_docs_are_one_page_that_needs_no_network(built: Settings, tmp_path: Path) -> None:
    page_url = write_docs(built, tmp_path).as_uri()
    with browser_page() as page:
        page.goto(f"{page_url}#!/overview")
        page.get_by_text("the past can be corrected without being rewritten").wait_for()
        page.goto(f"{page_url}#!/model/model.ledgerhouse.revenue")
        page.get_by_text(
            "The day it happened (UTC), also for what was corrected later."
        ).first.wait_for()
        page.goto(f"{page_url}#!/exposure/exposure.ledgerhouse.dashboard")
        page.get_by_text("one file without a network").first.wait_for()


def test_people_find_the_metrics_of_money_and_conversion(manifest: dict[str, Any]) -> None:
    models = {node["name"]: node for node in manifest["nodes"].values()}
    measures = {
        measure["name"]: models[semantic["node_relation"]["alias"]]["columns"][
            measure["expr"] or measure["name"]
        ]
        for semantic in manifest["semantic_models"].values()
        for measure in semantic["measures"]
    }
    metrics = {metric["name"]: metric for metric in manifest["metrics"].values()}
    asked = ("booked", "net", "refunded", "expected")
    assert {f"{name}_revenue" for name in asked} | {"conversion_rate"} <= set(metrics)
    for metric in metrics.values():
        if metric["type"] == "simple":
            assert measures[metric["type_params"]["measure"]["name"]]["data_type"]


def test_the_dashboard_is_an_exposure_of_what_it_reads(manifest: dict[str, Any]) -> None:
    read = {name for panel in read_panels() for name in panel.reads}
    dashboard = manifest["exposures"]["exposure.ledgerhouse.dashboard"]
    exposed = {node.rpartition(".")[2] for node in dashboard["depends_on"]["nodes"]}
    # Its head tells of publications and of late jobs.
    assert exposed == read | {"rpt_publications", "rpt_missed_jobs"}
