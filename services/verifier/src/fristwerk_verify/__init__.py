"""Checks what a Fristwerk installation recorded and shows, without the installation: for auditors, customers and courts.

It needs no key of the operator and no network: the rules by which deadlines and invoices are computed come with it, in the
folder ``domains`` of its wheel.
"""

import sys
from pathlib import Path

_DOMAINS = Path(__file__).with_name("domains")
if _DOMAINS.is_dir():  # not where it is developed: there the services stand beside it
    sys.path.insert(0, str(_DOMAINS))
