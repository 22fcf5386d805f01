"""Generates the operations of the three services when the package is built or installed from a checkout."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class GeneratedOperations(BuildHookInterface[Any]):
    """An archive of the sources holds what was generated, and not the descriptions that it was made of."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's interface
        """Generate anew wherever the descriptions are."""
        sys.path.insert(0, self.root)
        try:
            import generate  # noqa: PLC0415 - it lies beside this file, where a build does not look by itself
        finally:
            sys.path.remove(self.root)
        if generate.DESCRIPTIONS.is_dir():
            generate.generate(Path(self.root, "src", "fristwerk_client"))
