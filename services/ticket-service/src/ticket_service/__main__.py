"""``python -m ticket_service``: see :mod:`ticket_service.cli`."""

from ticket_service.cli import main

raise SystemExit(main())
