"""Puts the rules of deadlines and invoices into the wheel: the services' pure domains, and nothing else of the services."""

from __future__ import annotations

from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DOMAINS: Final = {"../billing-service/src": "billing_service", "../sla-service/src": "sla_service"}


class DomainsInTheWheel(BuildHookInterface[Any]):
    """An editable installation finds the domains in the services beside it; a wheel brings them along."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name what is to be put into the wheel."""
        if version == "editable":
            return
        for folder, package in DOMAINS.items():
            for part in ("__init__.py", "domain"):
                inside = f"fristwerk_verify/domains/{package}/{part}"
                build_data["force_include"][f"{self.root}/{folder}/{package}/{part}"] = inside
