"""Which views a night need not look at: those that are as this project makes them.

dbt takes longer to find a view unchanged than the warehouse takes for most of its queries. A build
that looked at every view writes down of which project they are; as long as the project's files are
the same, and nobody has made one of the views again, there is nothing to find.
"""

from collections.abc import Sequence

import psycopg

from ingestion.settings import Settings
from orchestration.dbt import View, project_digest, read_lasting_views

# The marks that `macros/materialize_kept_view.sql` leaves; none of a view that is gone or replaced.
MARKS = """
select md5(string_agg(relation || ' ' || pg_description.description, ' ' order by relation)),
    count(*) = count(pg_description.description)
from unnest(%s::text[]) as relations (relation)
left join pg_rewrite on pg_rewrite.ev_class = to_regclass(relation)
left join pg_description
    on pg_rewrite.oid = pg_description.objoid
    and pg_rewrite.xmin = pg_description.xmin
    and pg_description.classoid = 'pg_rewrite'::regclass
"""


def unchanged_views(connection: psycopg.Connection, settings: Settings) -> list[str]:
    """Return the names of the views that are as the last build of this very project saw them."""
    seen = connection.execute(
        "select project, views from landing.kept_views where schema_name = %s",
        (settings.published_schema,),
    ).fetchone()
    views = read_lasting_views(settings)
    if seen is None or seen != (project_digest(settings), _marks(connection, views)):
        return []
    return [view.name for view in views]


def remember_views(connection: psycopg.Connection, settings: Settings) -> None:
    """Write down that a build looked at every view, and how they are now; commits."""
    marks = _marks(connection, read_lasting_views(settings))
    with connection.transaction():
        connection.execute(
            "delete from landing.kept_views where schema_name = %s", (settings.published_schema,)
        )
        if marks:
            connection.execute(
                "insert into landing.kept_views values (%s, %s, %s, clock_timestamp())",
                (settings.published_schema, project_digest(settings), marks),
            )
    connection.commit()


def _marks(connection: psycopg.Connection, views: Sequence[View]) -> str | None:
    """Return what the views' marks say together; None where one of them has none."""
    relations = [f'"{view.schema}"."{view.name}"' for view in views]
    digest, all_are_marked = connection.execute(MARKS, (relations,)).fetchone() or (None, False)
    return digest if all_are_marked else None
