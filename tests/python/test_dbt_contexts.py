"""What dbt brings together for a node is the same where it is made only when asked for."""

from contextlib import nullcontext
from typing import Any

import pytest
from dbt.clients.jinja import MacroStack
from dbt.context.macros import MacroNamespaceBuilder

from ingestion.settings import Settings
from orchestration import dbt_contexts
from orchestration.dbt import _identity, _manifest, run_dbt
from orchestration.dbt_contexts import LazyDict, quick_contexts

# Whose macros come first where two have one name: the adapter's before dbt's own.
INTERNAL = ["dbt_postgres", "dbt"]


@pytest.mark.parametrize("package", ["ledgerhouse", *INTERNAL])
def test_every_name_means_the_macro_that_it_means_to_dbt(built: Settings, package: str) -> None:
    macros = _manifest(_identity(built)).get_macros_by_package()

    def meanings() -> dict[str, Any]:
        builder = MacroNamespaceBuilder("ledgerhouse", package, MacroStack(), INTERNAL)
        names = builder.build_namespace(macros, {})
        return {name: meaning(names[name]) for name in names}

    dbts_own = meanings()
    with quick_contexts():
        assert meanings() == dbts_own
    assert dbts_own["create_indexes"] == dbts_own["dbt"]["create_indexes"]
    assert dbts_own["remember_watermark"] == "macro.ledgerhouse.remember_watermark"


def meaning(found: Any) -> Any:
    """Return the macro, or each macro of a package."""
    if isinstance(found, dict):
        return {name: meaning(found[name]) for name in found}
    return found.macro.unique_id


def test_every_node_compiles_to_the_same_sql(
    built: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = compiled(built)
    monkeypatch.setattr(dbt_contexts, "quick_contexts", nullcontext)
    assert len(quick) > 500
    assert compiled(built) == quick


def compiled(settings: Settings) -> dict[str, str | None]:
    run_dbt(settings, "compile")
    return {
        name: node.compiled_code
        for name, node in _manifest(_identity(settings)).nodes.items()
        if node.resource_type != "seed"
    }


def test_what_is_found_late_is_there_for_who_looks_for_it_in_any_way() -> None:
    names = LazyDict({"late": 1})
    names["here"] = 2
    assert ("late" in names, "here" in names, "nowhere" in names) == (True, True, False)
    assert (names.get("late"), names.get("nowhere", 3)) == (1, 3)
    assert sorted(names) == sorted(names.keys()) == ["here", "late"]
    assert dict(**names) == {"late": 1, "here": 2}
    with pytest.raises(KeyError):
        names["nowhere"]
