"""Loaders: one file a source, one writer (`landing`). Nothing here knows dbt or Prefect."""
