"""Figures of the last backup, in a file that Prometheus's node exporter reads (its textfile
collector).
"""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from fristwerk_platform.backup.manifest import Manifest


def write_figures(file: Path, manifest: Manifest) -> None:
    """Replace the file, whole. Raises OSError."""
    registry = CollectorRegistry()
    made = Gauge("fristwerk_backup_made_timestamp_seconds", "When the last whole backup was begun", registry=registry)
    made.set(manifest.made_at.timestamp())
    size = Gauge("fristwerk_backup_bytes", "How large it is", registry=registry)
    size.set(sum(each.bytes for each in manifest.files))
    write_to_textfile(str(file), registry)
