"""Which views a night need not look at: those that are as this project makes them.

dbt takes longer to find a view unchanged than the warehouse takes for most of its queries. A build
that looked at every view writes down of which project they are; as long as the project's files are
the same, and nobody has made one of the views again, there is nothing to find.
"""

from collections.abc import Sequence

import psycopg

from ingestion.settings import Settings
from orchestration.dbt import View, project_digest, read_kept_views

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


def views_are_unchanged(connection: psycopg.Connection, settings: Settings) -> bool:
    """Return whether every view is as the last build of this very project saw it."""
    seen = connection.execute(
        "select project, views from landing.kept_views where schema_name = %s",
        (settings.published_schema,),
    ).fetchone()
    marks = _marks(connection, read_kept_views(settings))
    return seen is not None and seen == (project_digest(settings), marks)


def remember_views(connection: psycopg.Connection, settings: Settings) -> None:
    """Write down that a build looked at every view, and how they are now; commits."""
    marks = _marks(connection, read_kept_views(settings))
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
