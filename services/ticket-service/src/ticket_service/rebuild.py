"""``python -m ticket_service rebuild``: the read model made anew from the service's own log, beside the running service."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial

from fristwerk_language.events import columns_of, decode_tolerantly
from fristwerk_platform.event_log import open_log
from fristwerk_platform.read_models import IRREPLACEABLE, open_database
from fristwerk_platform.read_models.blue_green import read_model_versions
from fristwerk_platform.sealing_keys import load_sealing_key
from fristwerk_platform.settings import Settings
from fristwerk_platform.subscriptions import LogFeed
from fristwerk_platform.subscriptions.rebuild import Rebuild, Source
from fristwerk_platform.transparency.trees import stored_contradiction
from ticket_service import personal_data
from ticket_service.personal_data import PersonalData
from ticket_service.projections import tables
from ticket_service.projections.projector import Projector


async def rebuild(
    settings: Settings,
    say: Callable[[str], None],
    *,
    now: Callable[[], datetime],
    check: bool = False,
    back: bool = False,
) -> bool:
    """Rebuild, compare and switch (see ``subscriptions.rebuild``); returns whether nothing differed.

    Raises RebuildError, KeyFileError, LogUnavailableError.
    """
    sealing_key = load_sealing_key(settings)
    async with AsyncExitStack() as closing:
        subject_keys = open_database(settings, "personal-keys", personal_data.metadata, IRREPLACEABLE)
        closing.push_async_callback(subject_keys.close)
        log = open_log(settings, "tickets-log", read_columns=columns_of)
        closing.push_async_callback(log.close)
        projector = Projector(PersonalData(subject_keys, sealing_key))
        rebuilding = Rebuild(
            versions=read_model_versions(settings, "tickets", tables.metadata),
            metadata=tables.metadata,
            checkpoints=tables.checkpoints,
            sources=[Source(name="own log", feed=LogFeed(log), decode=decode_tolerantly, apply=projector.apply)],
            say=say,
            contradictions=[partial(stored_contradiction, settings, log, "tickets", now)],
        )
        return await rebuilding.run(check=check, back=back)
