"""A stand-in for Redshift: its protocol and dialect in front of Postgres (docs/redshift.md)."""
