"""A stand-in for Redshift beside the tests' server: gate, database and stage."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from unittest.mock import patch

import redshift_connector

from ingestion import embedded
from ingestion.settings import Redshift, Settings
from ingestion.warehouse import connect, ensure_database
from tests.redshift import gate, object_store

DATABASE = "redshift"
STAGE = "s3://stage/ledgerhouse"
ROLE = "arn:aws:iam::000000000000:role/stand-in"
# Without a name the driver looks for one in the whole stack, at each connection: of a test worker,
# that takes longer than the queries.
CONNECT = partial(redshift_connector.connect, application_name="dbt")


@contextmanager
def stand_in(server: Settings, port: int) -> Iterator[Settings]:
    """Run the stand-in; yields the server's settings with Redshift for a target."""
    with connect(server, database="postgres", autocommit=True) as connection:
        ensure_database(connection, DATABASE)
    database = replace(server.warehouse, name=DATABASE)
    # Event triggers are for superusers alone.
    with connect(embedded.administrator(server), database=DATABASE) as connection:
        gate.make_objects(connection)
    with object_store.serving(object_store.ObjectStore()) as environment:
        os.environ.update(environment)
        address = f"{database.host}:{database.port}"
        with (
            gate.running(address, port, dict(os.environ)),
            patch.object(redshift_connector, "connect", CONNECT),
        ):
            yield replace(
                server,
                target="redshift",
                redshift=Redshift(replace(database, port=port), STAGE, ROLE, sslmode="disable"),
            )
