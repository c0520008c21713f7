"""Databases of the tests' own server, dropped and made anew."""

from psycopg import sql

from ingestion import embedded
from ingestion.settings import Settings
from ingestion.warehouse import connect


def drop(settings: Settings, name: str) -> None:
    """Drop a database whoever is in it, if it is there.

    Its owner may not end the server's own work in it, as an autovacuum: the administrator may.
    """
    with connect(
        embedded.administrator(settings), database="postgres", autocommit=True
    ) as connection:
        connection.execute(
            sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
        )


def make(settings: Settings, name: str, template: str = "template1") -> None:
    """Make a database as the template is, in place of the one of that name."""
    drop(settings, name)
    with connect(settings, database="postgres", autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
