"""What runs when: flows, the command line and dbt. Nothing here knows HTTP or SQL of a vendor."""
