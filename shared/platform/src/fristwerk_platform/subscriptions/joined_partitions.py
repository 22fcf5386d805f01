"""A read model that processes shared, followed as a whole again: a rebuild can compare one version
with another at one position only.
"""

from __future__ import annotations

from sqlalchemy import MetaData

from fristwerk_platform.read_models import RebuildError
from fristwerk_platform.read_models.blue_green import open_live_read_model
from fristwerk_platform.settings import Settings
from fristwerk_platform.subscriptions.partitions import Partitions


async def join_up_partitions(
    settings: Settings, name: str, metadata: MetaData, partitions: Partitions, source: str
) -> None:
    """Have the live version of a read model follow the source as a whole. Raises RebuildError where that cannot be."""
    if settings.database_url is None:
        return
    live = open_live_read_model(settings, name, metadata)
    try:
        if not await live.find():
            return
        async with live.transaction() as connection:
            because = await partitions.join_up(connection, source)
    finally:
        await live.close()
    if because is not None:
        raise RebuildError(because)
