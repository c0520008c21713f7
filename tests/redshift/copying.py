"""COPY from S3 as Redshift reads it: JSON lines by name, gzip, a manifest; nothing else."""


class CopyError(Exception):
    """Redshift would refuse this COPY; the message says why."""


def copy_statement(sql: str) -> str | None:
    return None
