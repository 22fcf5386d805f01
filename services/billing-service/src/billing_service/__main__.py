"""``python -m billing_service``: see :mod:`billing_service.cli`."""

from billing_service.cli import main

raise SystemExit(main())
