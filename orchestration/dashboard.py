"""`ledgerhouse dashboard`: one self-contained page of what is published.

A panel is a file of `dashboard/`: its SQL, and its chart in Vega-Lite. The page is read as the
analysts' role, so it can hold nothing that they may not see.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jinja2
import psycopg
import simplejson
import yaml
from markupsafe import Markup
from psycopg import sql

from ingestion.environment import SettingsError
from ingestion.settings import PROJECT, Settings
from ingestion.warehouse import connect
from orchestration.dbt import target_folder
from orchestration.publish import read_published

log = logging.getLogger(__name__)

FOLDER = PROJECT / "dashboard"
LIBRARY = "vl-convert-python"

PUBLISHED = """
select known_through, date_trunc('second', published_at) as published_at from rpt_publications
where schema_name = %s order by publication_id desc limit 1
"""
ALERTS = """
select 'These figures were left as they were: ' || job || ' ' || status || ' on '
    || to_char(started_at, 'YYYY-MM-DD HH24:MI') || ' UTC.' as alert
from rpt_job_runs
where job_run_id = (
    select max(job_run_id) from rpt_job_runs
    where status in ('failed', 'held', 'killed') and started_at > (
        select max(published_at) from rpt_publications where schema_name = %s
    )
)
union all
select job || ' is late: it should have succeeded by ' || to_char(due_by, 'YYYY-MM-DD HH24:MI')
    || ' UTC.'
from rpt_missed_jobs
"""
CURRENCIES = "select currency from revenue group by 1 order by count(*) desc, 1"


@dataclass
class Panel:
    """One file of `dashboard/`, and the rows its SQL gave."""

    name: str
    title: str
    reads: Sequence[str]
    sql: str
    note: str = ""
    form: str = "chart"
    size: str = "half"
    chart: dict[str, Any] | None = None
    columns: list[str] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def numbers(self) -> set[str]:
        """Return the columns that hold numbers."""
        return {
            name
            for row in self.rows
            for name, value in row.items()
            if isinstance(value, int | Decimal) and not isinstance(value, bool)
        }


def write_dashboard(settings: Settings, page: Path | None = None) -> Path:
    """Write the page of what is published, in the target folder, and return its place.

    A panel whose relation is not built is left out, and the page says so. Raises SettingsError
    where nothing is published.
    """
    with connect(settings) as connection:
        _become_analyst(connection, settings)
        state = _rows(connection, PUBLISHED, settings.published_schema)
        alerts = [row["alert"] for row in _rows(connection, ALERTS, settings.published_schema)]
        currencies = [row["currency"] for row in _rows(connection, CURRENCIES)]
        panels = read_panels()
        absent = {
            name for panel in panels for name in panel.reads if not _is_there(connection, name)
        }
        panels = [panel for panel in panels if not absent & set(panel.reads)]
        for panel in panels:
            panel.rows = _rows(connection, panel.sql)
            panel.columns = [name for name in (panel.rows or [{}])[0] if name != "place"]
    charts = {
        panel.name: {"rows": panel.rows, "chart": panel.chart} for panel in panels if panel.chart
    }
    page = page or target_folder() / "dashboard.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(
        _template().render(
            state=state[0],
            alerts=alerts,
            currencies=currencies,
            panels=panels,
            absent=sorted(absent),
            charts=Markup(_as_json(charts)),
            library=Markup(read_library()),
        ),
        encoding="utf-8",
    )
    return page


def read_panels() -> list[Panel]:
    """Return the panels of `dashboard/`, in the order of their files."""
    return [
        Panel(name=path.stem.partition("_")[2], **yaml.safe_load(path.read_text(encoding="utf-8")))
        for path in sorted(FOLDER.glob("*.yml"))
    ]


def _become_analyst(connection: psycopg.Connection, settings: Settings) -> None:
    read_published(connection, settings)
    role = sql.Identifier(settings.analyst_role)
    try:
        connection.execute(sql.SQL("set role {}").format(role))
    except psycopg.errors.InsufficientPrivilege:
        raise SettingsError(
            f"The warehouse's user may not act as {settings.analyst_role}. Let an administrator run"
            f" `grant {settings.analyst_role} to {settings.warehouse.user}`."
        ) from None


def _is_there(connection: psycopg.Connection, name: str) -> bool:
    row = connection.execute("select to_regclass(%s)", (name,)).fetchone()
    return bool(row and row[0])


def _rows(connection: psycopg.Connection, query: str, *parameters: Any) -> list[dict[str, Any]]:
    cursor = connection.execute(query, parameters or None)
    names = [column.name for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["said"] = _said
    return environment.get_template("page.html")


def _said(value: Any) -> str:
    """Return a value as people read it; amounts keep every digit."""
    if value is None:
        return ""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def _as_json(charts: dict[str, Any]) -> str:
    text = simplejson.dumps(charts, use_decimal=True, default=_plain, separators=(",", ":"))
    # Nothing in a value may end the script that holds it.
    return text.replace("<", "\\u003c")


def _plain(value: Any) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a chart")


def read_library() -> str:
    """Return Vega-Lite with all it needs as one script, bundled once."""
    kept = target_folder() / f"vega-{version(LIBRARY)}.js"
    if not kept.exists():
        import vl_convert

        kept.parent.mkdir(parents=True, exist_ok=True)
        bundle = vl_convert.javascript_bundle()  # type: ignore[call-arg]
        script = bundle.replace("</script", "<\\/script")
        kept.write_text(script, encoding="utf-8")
    return kept.read_text(encoding="utf-8")
