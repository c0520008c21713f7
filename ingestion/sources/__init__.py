"""One module a source; `SOURCES` in `ingestion.registry` lists them in the order they run."""
