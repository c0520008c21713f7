"""What sqlfluff's templater needs of dbt's `target`."""

schema = "analytics"
