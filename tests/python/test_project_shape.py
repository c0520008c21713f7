"""The shape of the project: what STYLE asks of every model, read from dbt's own manifest."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from ingestion.settings import PROJECT, Settings
from orchestration.dbt import read_manifest
from tests.python import golden

NAMES = {
    "staging": r"stg_[a-z]+(_[a-z]+)*__[a-z_]+",
    "intermediate": r"int_[a-z_]+",
    "marts": (
        r"(dim|fct|rpt)_[a-z_]+|lead_sales_ledger|ledger_exceptions|revenue|boberdoo|invoca_raw"
    ),
}

WITHOUT_TESTED_KEY = {
    "int_invoices_landed": "one row: an aggregate of everything",
}
WITHOUT_PARENTS = {"dim_dates": "a calendar"}
# Models longer than the house's limit, and how long they may be: never longer than today.
LONG = {
    "rpt_msp_bills": 123,
    "stg_dispositions__events": 80,
}
# Rules of which most joins find what a night has touched (SPEC L9), or what is judged at once.
OF_MORE_THAN_SEVEN_JOINS = {
    "int_conversions_placed": "a disposition beside all that may account for it (SPEC L16)",
}


@pytest.fixture(scope="session")
def manifest(built: Settings) -> dict[str, Any]:
    return read_manifest(built)


def models(manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return nodes(manifest, "model")


def nodes(manifest: dict[str, Any], *kinds: str) -> Iterator[dict[str, Any]]:
    return (node for node in manifest["nodes"].values() if node["resource_type"] in kinds)


def sql(node: dict[str, Any]) -> str:
    """Return a model's SQL as written, without comments."""
    return re.sub(r"--.*", "", re.sub(r"\{#.*?#\}", "", node["raw_code"], flags=re.DOTALL))


def test_names_say_the_layer(manifest: dict[str, Any]) -> None:
    wrong = [
        node["name"]
        for node in models(manifest)
        if not re.fullmatch(NAMES[node["path"].split("/")[0]], node["name"])
    ]
    assert not wrong


def test_every_model_says_what_one_row_is(manifest: dict[str, Any]) -> None:
    silent = [
        node["name"]
        for node in nodes(manifest, "model", "snapshot")
        if not node["description"].strip().startswith("One row per ")
    ]
    assert not silent


def test_every_column_of_a_mart_is_described_and_under_contract(manifest: dict[str, Any]) -> None:
    lacking = [
        f"{node['name']}.{column['name']}"
        for node in models(manifest)
        if node["path"].startswith("marts/")
        for column in node["columns"].values()
        if not column["description"].strip()
    ]
    loose = [
        node["name"]
        for node in models(manifest)
        if node["path"].startswith("marts/") and not node["config"]["contract"]["enforced"]
    ]
    assert not lacking
    assert not loose


def test_every_column_there_is_is_described(built: Settings, manifest: dict[str, Any]) -> None:
    described = {
        (node["schema"], node["name"], name)
        for node in nodes(manifest, "model", "snapshot")
        for name, column in node["columns"].items()
        if column["description"].strip()
    }
    there = {
        (row["table_schema"], row["table_name"], row["column_name"])
        for row in golden.query(
            built,
            "select table_schema, table_name, column_name from information_schema.columns"
            " where table_schema in ('staging', 'snapshots', 'intermediate', 'marts')",
        )
    }
    assert there - described == set()
    assert described - there == set()


def test_every_macro_and_each_of_its_arguments_is_described(manifest: dict[str, Any]) -> None:
    silent = [
        macro["name"]
        for macro in manifest["macros"].values()
        if macro["package_name"] == "ledgerhouse"
        and not re.match(r"(default|postgres|redshift)__", macro["name"])
        and not (
            macro["description"]
            and all(argument["description"] for argument in macro["arguments"])
            and [argument["name"] for argument in macro["arguments"]] == arguments(macro)
        )
    ]
    assert not silent


def arguments(macro: dict[str, Any]) -> list[str]:
    """Return the names in a macro's own signature; a materialization has none."""
    signature = re.search(r"\{%-?\s*(?:macro|test) \w+\((.*?)\)\s*-?%\}", macro["macro_sql"])
    return re.findall(r"(\w+)(?:='[^']*'|=[^,]*)?(?:, |$)", signature[1]) if signature else []


def test_every_key_is_tested(manifest: dict[str, Any]) -> None:
    tested = {
        node["attached_node"]
        for node in nodes(manifest, "test")
        if node.get("test_metadata", {}).get("name") in ("unique", "unique_combination")
    }
    untested = {
        node["name"]
        for key, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "snapshot") and key not in tested
    }
    assert untested == set(WITHOUT_TESTED_KEY)


def test_marts_are_public_and_every_folder_has_an_owner(manifest: dict[str, Any]) -> None:
    owners = {
        group["name"]: group["owner"]["email"] and group["owner"]["name"]
        for group in manifest["groups"].values()
    }
    for node in models(manifest):
        is_mart = node["path"].startswith("marts/")
        assert node["access"] == ("public" if is_mart else "protected"), node["name"]
    for node in nodes(manifest, "model", "snapshot"):
        assert owners[node["config"]["group"]], node["name"]
        assert node["config"]["meta"]["owner"] == node["config"]["group"], node["name"]


def test_staging_reads_sources_and_everything_reads_something(manifest: dict[str, Any]) -> None:
    staging_on_models = [
        f"{node['name']} reads {parent}"
        for node in models(manifest)
        if node["path"].startswith("staging/")
        for parent in node["depends_on"]["nodes"]
        if not parent.startswith("source.")
    ]
    roots = {node["name"] for node in models(manifest) if not node["depends_on"]["nodes"]}
    assert not staging_on_models
    assert roots == set(WITHOUT_PARENTS)


def test_no_model_names_a_table_by_hand(manifest: dict[str, Any]) -> None:
    by_hand = {
        node["name"]: found
        for node in models(manifest)
        if (
            found := re.findall(
                r"\b(?:from|join)\s+(\w+\.\w+)",
                re.sub(r"\{[{%].*?[%}]\}|\bextract\([^)]*\)", "", sql(node), flags=re.DOTALL),
            )
        )
    }
    assert not by_hand


def test_few_models_join_more_than_seven_times(manifest: dict[str, Any]) -> None:
    many = {
        node["name"]
        for node in models(manifest)
        if len(re.findall(r"\bjoin\b", re.sub(r"\{\{.*?\}\}", "", sql(node)))) > 7
    }
    assert many == set(OF_MORE_THAN_SEVEN_JOINS)


def test_raw_is_read_by_staging_only(manifest: dict[str, Any]) -> None:
    wrong = [
        f"{node['name']} reads {source}"
        for node in models(manifest)
        if not node["path"].startswith("staging/")
        for source in node["depends_on"]["nodes"]
        if source.startswith("source.") and ".books." not in source
    ]
    assert not wrong


def test_no_model_asks_for_its_target(manifest: dict[str, Any]) -> None:
    asking = [node["name"] for node in models(manifest) if "target." in node["raw_code"]]
    assert not asking


def test_models_stay_within_the_portable_subset(manifest: dict[str, Any]) -> None:
    forbidden = {
        "::": r"::",
        "distinct on": r"\bdistinct\s+on\b",
        "filter (": r"\bfilter\s*\(",
        "lateral": r"\blateral\b",
        "generate_series": r"\bgenerate_series\b",
        "now()": r"\bnow\s*\(",
        "string_agg": r"\bstring_agg\b",
        "is distinct from": r"\bis\s+(not\s+)?distinct\s+from\b",
        "except all": r"\bexcept\s+all\b",
        "unsized numeric": r"\bas\s+numeric\b(?!\s*\()",
        "unsized varchar": r"\bas\s+(varchar|text)\b(?!\s*\()",
        "JSON operator": r"->",
    }
    found = [
        f"{node['name']}: {name}"
        for node in models(manifest)
        for name, pattern in forbidden.items()
        if re.search(pattern, sql(node).lower())
    ]
    assert not found


def test_models_fit_their_screen(manifest: dict[str, Any]) -> None:
    """The house's limits (STYLE, SQL), but for those in LONG: they may become shorter, or leave."""
    most = {"staging": 50, "intermediate": 90, "marts": 90}
    long = {
        node["name"]: lines
        for node in models(manifest)
        if (lines := node["raw_code"].count("\n") + 1) > most[node["path"].split("/")[0]]
    }
    assert set(long) == set(LONG)
    assert all(lines <= LONG[name] for name, lines in long.items()), long


def test_every_relation_that_holds_states_is_in_the_union_of_the_ledger(
    manifest: dict[str, Any],
) -> None:
    """DESIGN 18: states are unioned whole, and views of a deal type stand behind the ledger."""
    parents = {node["name"]: node["depends_on"]["nodes"] for node in models(manifest)}
    unioned = {
        name.split(".")[-1]
        for union in ("int_deals_unioned", "int_leads_and_calls_stated")
        for name in parents[union]
    }
    holding = {node["name"] for node in models(manifest) if "{{ merged_states(" in node["raw_code"]}
    assert len(holding) >= 4
    assert holding - unioned == set()
    assert unioned - holding == {"int_leads_and_calls_stated", "int_deals__msp_charges"}


def test_every_deal_type_without_a_view_of_its_own_is_in_other(manifest: dict[str, Any]) -> None:
    filters = {
        node["name"].removeprefix("int_deals__"): node["raw_code"]
        for node in models(manifest)
        if node["name"].startswith("int_deals__") and "int_leads_and_calls" in node["raw_code"]
    }
    apart = set(re.findall(r"'([a-z_]+)'", filters.pop("other").split("not in")[1]))
    assert apart == set(filters)
    assert all(f"where deal_type = '{name}'" in code for name, code in filters.items())


def test_tree_names_no_leftover_drawers() -> None:
    drawers = {"utils", "common", "helpers", "core"}
    tracked = [PROJECT / name for name in ("models", "ingestion", "orchestration", "macros")]
    found = [
        str(path.relative_to(PROJECT))
        for top in tracked
        for path in top.rglob("*")
        if path.is_dir() and path.name in drawers
    ]
    assert not found
