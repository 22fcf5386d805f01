"""``python -m sla_service``: see :mod:`sla_service.cli`."""

from sla_service.cli import main

raise SystemExit(main())
