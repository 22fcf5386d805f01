"""Printed documents: an issued invoice or credit note as people read it, in its own language and
its country's figures.
"""

from __future__ import annotations

from billing_service.documents.rendering import as_html, as_text

__all__ = ["as_html", "as_text"]
