"""What Redshift refuses, or reads otherwise than Postgres, in a statement written for it.

Every rule has its example in `corpus.yml`. The page ids are those of the Redshift Database
Developer Guide: docs.aws.amazon.com/redshift/latest/dg/<id>.html.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from tests.redshift.words import Word, arguments, closing, known, words

CATALOGUE = re.compile(r"^(pg_(?!temp)|svv_|svl_|stl_|stv_|sys_)|^information_schema$")
FRAMED = (
    *(exp.Avg, exp.Count, exp.FirstValue, exp.LastValue, exp.Max, exp.Min, exp.NthValue),
    *(exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Sum, exp.Variance, exp.VariancePop),
)
COMPUTE_NODE_ONLY = (exp.GroupConcat, exp.Median, exp.PercentileCont, exp.PercentileDisc)
Statement = tuple[Word, ...]


@dataclass(frozen=True)
class Violation:
    """A rule's name, and what to write instead or where the rule stands."""

    rule: str
    advice: str

    def __str__(self) -> str:
        """Return the sentence that a refusal says."""
        return f"{self.rule.replace('_', ' ')}: {self.advice}"


def violations(sql: str) -> list[Violation]:
    """Return what Redshift would refuse in the statements of `sql`, or read otherwise."""
    statement = words(sql)
    found = [Violation(*pair) for rule in WORD_RULES for pair in rule(statement)]
    try:
        trees = sqlglot.parse(re.sub(r"\$\d+", "null", sql), read="redshift")
    except sqlglot.errors.SqlglotError as error:
        return [*found, Violation("syntax", str(error).splitlines()[0])]
    for tree in filter(None, trees):
        if _reads_catalogue_alone(tree):
            continue
        found += [Violation(*pair) for rule in TREE_RULES for pair in rule(tree)]
        for node in tree.walk():
            rules = NODE_RULES.get(type(node), ())
            found += [Violation(*pair) for rule in rules if (pair := rule(node))]
    return list(dict.fromkeys(found))


Pair = tuple[str, str]


# Rules that need only the words: sqlglot forgets some of these when it parses.


def _operators(statement: Statement) -> Iterator[Pair]:
    for word, after in zip(statement, statement[1:], strict=False):
        if word.is_bare and word.text == "?" and after.is_string:
            yield "json_operator", "? is Postgres' own; use the json macros"
        if word.is_bare and word.text in ("->", "->>", "#>", "#>>", "@>", "<@", "?|", "?&"):
            yield "json_operator", f"{word.text} is Postgres' own; use the json macros"
        if word.is_bare and word.text in ("~*", "!~*"):
            yield "regular_expression", f"{word.text}: only ~ and !~ exist (pattern-matching)"


def _function_calls(statement: Statement) -> Iterator[Pair]:
    if _is_of_the_adapter(statement):
        return
    allowed = known()["functions"] | known()["leader_node_only"]
    for index, (word, after) in enumerate(zip(statement, statement[1:], strict=False)):
        if after.text != "(" or not after.is_bare or not word.is_bare:
            continue
        if not re.fullmatch(r"[a-z_]\w*", word.text) or _is_a_name(statement, index):
            continue
        if word.text not in allowed:
            yield "function", f"{word.text}() is not in Redshift's list (c_SQL_functions)"


def _is_a_name(statement: Statement, index: int) -> bool:
    """Tell whether the word before a parenthesis is no function: a key word, a type, a name."""
    word, before = statement[index].text, statement[index - 1].text if index else ""
    if word in known()["grammar"] | known()["types"] | known()["unsupported_types"]:
        return True
    end = closing(statement, index + 1)
    names_a_query = [after.text for after in statement[end + 1 : end + 3]] == ["as", "("]
    return names_a_query or before in (
        *("into", "table", "view", "references", "index", ".", "as", "update", "type"),
    )


def _is_of_the_adapter(statement: Statement) -> bool:
    """Tell whether it asks the catalogue, in the adapter's own words."""
    return any(
        CATALOGUE.match(word.text) and not word.is_string and after.text != "("
        for word, after in zip(statement, statement[1:], strict=False)
    )


def _leader_node(statement: Statement) -> Iterator[Pair]:
    if _is_of_the_adapter(statement):
        return
    for word in statement:
        if word.is_bare and word.text in known()["leader_node_only"]:
            yield (
                "leader_node_only",
                f"{word.text} does not run beside tables (c_SQL_functions_leader_node_only); "
                "use dbt.current_timestamp() or dbt.datediff()",
            )


def _reserved_names(statement: Statement) -> Iterator[Pair]:
    if _is_of_the_adapter(statement):
        return
    for before, word in zip(statement, statement[1:], strict=False):
        if not word.is_bare or not before.is_bare:
            continue
        if word.text in known()["reserved"] and before.text in ("as", "."):
            yield "reserved_word", f"{word.text} cannot be a name (r_pg_keywords)"
        is_column = statement[0].text == "create" and before.text in ("(", ",")
        if is_column and word.text in known()["system_columns"]:
            yield "reserved_word", f"{word.text} is a system column"


def _clauses(statement: Statement) -> Iterator[Pair]:
    texts = [word.text if word.is_bare else "" for word in statement]
    for index, text in enumerate(texts):
        after = texts[index + 1 : index + 4]
        if text == "array" and after[:1] == ["["]:
            yield "array", "there are no arrays (c_unsupported-postgresql-features)"
        if text in ("range", "groups") and after[:1] in (["between"], ["unbounded"], ["current"]):
            yield "frame", "a window's frame must be ROWS (c_Window_functions)"
        if text == "groups" and after[:1] and after[0].isdigit():
            yield "frame", "a window's frame must be ROWS (c_Window_functions)"
        if text == "window" and after[1:3] == ["as", "("]:
            yield "named_window", "repeat OVER (...) (c_Window_functions)"
        if text == "is" and "distinct" in after[:2] and "from" in after[1:3]:
            yield (
                "is_distinct_from",
                "compare, and test both for null",
            )
        if text in ("unlogged", "tablespace", "tablesample"):
            yield "unsupported_clause", f"{text} (c_unsupported-postgresql-features)"
        if text == "fetch" and after[:1] in (["first"], ["next"]):
            yield "fetch_first", "use LIMIT (r_SELECT_synopsis)"
        if text == "isodow":
            yield "isodow", "no such part of a date (r_Dateparts_for_datetime_functions)"


def _argument_counts(statement: Statement) -> Iterator[Pair]:
    for index, word in enumerate(statement[:-1]):
        if not word.is_bare or statement[index + 1].text != "(":
            continue
        spans = arguments(statement, index + 1)
        if word.text == "to_timestamp" and len(spans) == 1:
            yield "to_timestamp", "it needs a text and its format (r_TO_TIMESTAMP)"
        if word.text == "concat" and len(spans) != 2:
            yield "concat", "it takes two arguments (r_CONCAT); use ||"
        if word.text in ("lag", "lead") and len(spans) > 2:
            yield "default_of_lag", "lag and lead have no default (r_WF_LAG); use coalesce"
        if word.text == "substring" and len(spans) == 1 and _takes_pattern(statement, spans[0]):
            yield "substring_pattern", "use regexp_substr (r_SUBSTRING)"
        if word.text == "regexp_replace" and len(spans) > 3:
            yield "regexp_replace", "the fourth argument is a position (REGEXP_REPLACE)"


def _takes_pattern(statement: Statement, span: tuple[int, int]) -> bool:
    inside = statement[span[0] : span[1] + 1]
    return any(
        word.text == "from" and following.is_string
        for word, following in zip(inside, inside[1:], strict=False)
    )


def _unsupported_types(statement: Statement) -> Iterator[Pair]:
    if _is_of_the_adapter(statement):
        return
    for before, word in zip(statement, statement[1:], strict=False):
        is_type = before.is_bare and before.text in ("::", "as")
        if is_type and word.is_bare and word.text in ("bytea", "regclass"):
            yield "type", f"{word.text} (c_unsupported-postgresql-datatypes)"


WORD_RULES: tuple[Callable[[Statement], Iterator[Pair]], ...] = (
    _operators,
    _function_calls,
    _leader_node,
    _reserved_names,
    _clauses,
    _argument_counts,
    _unsupported_types,
)


# Rules on one node of the parsed statement.


def _type(node: exp.DataType) -> Pair | None:
    name = node.this.name if isinstance(node.this, exp.DataType.Type) else str(node.this)
    kind = str(node.args.get("kind") or "")
    if {name.lower(), kind.lower()} & known()["unsupported_types"] or name == "ARRAY":
        return "type", f"{(kind or name).lower()} (c_unsupported-postgresql-datatypes)"
    if name == "DECIMAL" and not node.expressions:
        return "unsized_numeric", "without a size it is numeric(18, 0) (r_Numeric_types201)"
    is_column = isinstance(node.parent, exp.ColumnDef)
    if is_column and name in ("TEXT", "VARCHAR") and not node.expressions:
        return "unsized_varchar", "without a size it is varchar(256) (r_Character_types)"
    return None


def _window(node: exp.Window) -> Pair | None:
    function = node.this
    while isinstance(function, exp.IgnoreNulls | exp.RespectNulls | exp.Filter):
        function = function.this
    if isinstance(function, FRAMED) and node.args.get("order") and not node.args.get("spec"):
        return "unframed_window", f"{function.key} over (order by) needs ROWS (r_WF_SUM)"
    if function.find(exp.Distinct):
        return "distinct_in_window", "a window's aggregate takes no DISTINCT (r_WF_COUNT)"
    return None


def _cast(node: exp.Cast) -> Pair | None:
    booleans = (exp.Boolean, exp.EQ, exp.GT, exp.LT, exp.Is, exp.In, exp.Not)
    is_text = isinstance(node.to.this, exp.DataType.Type) and node.to.this.name in (
        *("TEXT", "VARCHAR"),
    )
    if is_text and isinstance(node.this.unnest(), booleans):
        return "boolean_as_text", "use dbt.cast_bool_to_text() (r_Boolean_type)"
    return None


def _truth_test(node: exp.Is) -> Pair | None:
    in_select_list = isinstance(node.parent, exp.Select | exp.Alias)
    if isinstance(node.expression, exp.Boolean) and in_select_list:
        return "truth_test", "IS TRUE stands in WHERE or CASE alone (r_Boolean_type)"
    return None


def _creation(node: exp.Create) -> Pair | None:
    kind = str(node.args.get("kind") or "").lower()
    if kind in ("index", "sequence", "trigger", "type", "extension", "domain"):
        return "create", f"create {kind} (c_unsupported-postgresql-features)"
    return None


def _set_operation(node: exp.SetOperation) -> Pair | None:
    if node.args.get("distinct") is False:
        return "except_all", f"{node.key} all (r_UNION)"
    return None


def _values(node: exp.Values) -> Pair | None:
    if isinstance(node.parent, exp.From | exp.Join | exp.CTE | exp.Subquery):
        return "values", "VALUES is no table (c_unsupported-postgresql-features)"
    return None


def _recursion(node: exp.With) -> Pair | None:
    for query in node.expressions if node.args.get("recursive") else ():
        tables = query.this.find_all(exp.Table)
        if not any(table.name == query.alias and not table.db for table in tables):
            continue
        if not query.args["alias"].args.get("columns"):
            return "recursive", "a recursive query names its columns (r_WITH_clause)"
        if isinstance(query.this, exp.Union) and query.this.args.get("distinct"):
            return "recursive", "a recursive query is UNION ALL (r_WITH_clause)"
    return None


def _identifier(node: exp.Identifier) -> Pair | None:
    if node.args.get("quoted") and node.name != node.name.lower():
        return "mixed_case", f'"{node.name}" is folded to lower case (r_names)'
    return None


def _on_conflict(node: exp.OnConflict) -> Pair | None:
    return "on_conflict", "use merge, or delete and insert (r_INSERT_30)"


def _always(rule: str, advice: str) -> Callable[[exp.Expression], Pair | None]:
    return lambda node: (rule, advice)


def _distinct(node: exp.Distinct) -> Pair | None:
    if node.args.get("on"):
        return "distinct_on", "use row_number() (r_SELECT_list)"
    return None


def _ordered_listagg(node: exp.GroupConcat) -> Pair | None:
    if node.find(exp.Order):
        return "order_in_listagg", "use WITHIN GROUP, or dbt.listagg() (r_LISTAGG)"
    return None


def _array_comparison(node: exp.Any) -> Pair | None:
    if not node.find(exp.Select):
        return "array", "= any(array): use in (...)"
    return None


NODE_RULES: dict[type[exp.Expression], tuple[Callable[..., Pair | None], ...]] = {
    exp.Any: (_array_comparison,),
    exp.Bracket: (_always("array", "no subscripts (c_unsupported-postgresql-features)"),),
    exp.Cast: (_cast,),
    exp.CheckColumnConstraint: (_always("check", "no such constraint (r_CREATE_TABLE_NEW)"),),
    exp.Create: (_creation,),
    exp.DataType: (_type,),
    exp.Distinct: (_distinct,),
    exp.Except: (_set_operation,),
    exp.ExplodingGenerateSeries: (_always("generate_series", "use a seed or the macro numbers"),),
    exp.Filter: (_always("filter", "use sum(case when ...) (r_Aggregate_functions)"),),
    exp.GenerateSeries: (_always("generate_series", "use a seed or the macro numbers"),),
    exp.GroupConcat: (_ordered_listagg,),
    exp.Identifier: (_identifier,),
    exp.Intersect: (_set_operation,),
    exp.Is: (_truth_test,),
    exp.Lateral: (_always("lateral", "join an aggregated subquery (r_FROM_clause30)"),),
    exp.Lock: (_always("for_update", "no such clause (r_SELECT_synopsis)"),),
    exp.OnConflict: (_on_conflict,),
    exp.Returning: (_always("returning", "no such clause (r_INSERT_30)"),),
    exp.Unnest: (_always("unnest", "there are no arrays"),),
    exp.Values: (_values,),
    exp.Window: (_window,),
    exp.With: (_recursion,),
}


# Rules on a whole statement.


def _unparsed(tree: exp.Expression) -> Iterator[Pair]:
    allowed = ("ANALYZE", "CALL", "COPY", "EXPLAIN", "RESET", "SET", "SHOW", "UNLOAD", "VACUUM")
    if isinstance(tree, exp.Command) and tree.name.upper() not in allowed:
        yield "syntax", f"the statement {tree.name} is not understood"


def _compute_node_only(tree: exp.Expression) -> Iterator[Pair]:
    """dbt's unit tests give a model CTEs for tables, on which these functions do not run."""
    if not any(True for _ in tree.find_all(*COMPUTE_NODE_ONLY)):
        return
    own_names = {query.alias for query in tree.find_all(exp.CTE)}
    target = tree.this if isinstance(tree, exp.Create | exp.Insert) else None
    for table in tree.find_all(exp.Table):
        is_target = target is not None and table in (target, target.this)
        if not is_target and (table.db or table.name not in own_names):
            return
    yield "compute_node_only", "it needs a table (c_SQL_functions_compute_node_only)"


def _orders_of_listagg(tree: exp.Expression) -> Iterator[Pair]:
    for select in tree.find_all(exp.Select):
        orders = {
            group.expression.sql()
            for group in select.find_all(exp.WithinGroup)
            if isinstance(group.this, exp.GroupConcat) and group.find_ancestor(exp.Select) is select
        }
        if len(orders) > 1:
            yield "order_in_listagg", "all of one SELECT have one order (r_LISTAGG)"


def _catalogue_beside_tables(tree: exp.Expression) -> Iterator[Pair]:
    if any(_is_of_catalogue(table) for table in tree.find_all(exp.Table)):
        yield "leader_node_only", "the catalogue does not join with tables (c_join_PG)"


def _correlations(tree: exp.Expression) -> Iterator[Pair]:
    """Which correlated subqueries run, and which do not: r_correlated_subqueries."""
    for scope in traverse_scope(tree):
        if not scope.is_subquery or not any(column.table for column in scope.external_columns):
            continue
        query = scope.expression
        if _skips_a_level(scope):
            yield "correlated_subquery", "it names a table two levels up"
        if query.args.get("limit"):
            yield "correlated_subquery", "it has a LIMIT"
        if query.find(exp.Window):
            yield "correlated_subquery", "it has a window function"
        join = query.find_ancestor(exp.Join)
        if join is not None and join.side:
            yield "correlated_subquery", "it stands in the ON of an outer join"
        is_scalar = isinstance(query.parent, exp.Subquery)
        if is_scalar and not query.find_ancestor(exp.Exists, exp.Where, exp.Having, exp.Join):
            yield "correlated_subquery", "it is a column of a select list; use a join"


def _skips_a_level(scope: Scope) -> bool:
    near = {*scope.sources, *(scope.parent.sources if scope.parent else ())}
    return any(column.table and column.table not in near for column in scope.external_columns)


TREE_RULES: tuple[Callable[[exp.Expression], Iterator[Pair]], ...] = (
    _unparsed,
    _compute_node_only,
    _orders_of_listagg,
    _catalogue_beside_tables,
    _correlations,
)


def _is_of_catalogue(table: exp.Table) -> bool:
    name = table.this.name if isinstance(table.this, exp.Func) else table.name
    return bool(CATALOGUE.match(name) or CATALOGUE.match(table.db))


def _reads_catalogue_alone(tree: exp.Expression) -> bool:
    """Tell whether it is a question about metadata, which the adapter knows how to ask."""
    if isinstance(tree, exp.Create | exp.Insert | exp.Delete | exp.Update | exp.Merge):
        return False
    own_names = {query.alias for query in tree.find_all(exp.CTE)}
    tables = [table for table in tree.find_all(exp.Table) if table.name not in own_names]
    return bool(tables) and all(_is_of_catalogue(table) for table in tables)
