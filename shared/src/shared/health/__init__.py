"""How a service is: alive, ready with every dependency by name, and figures for Prometheus. Open without a token."""

from __future__ import annotations

from shared.health.metrics import Metrics
from shared.health.routes import Check, Dependency, health_router

__all__ = ["Check", "Dependency", "Metrics", "health_router"]
