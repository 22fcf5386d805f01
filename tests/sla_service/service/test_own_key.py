"""The SLA service with a key of its own follows the feed, asks for calendars and answers, without the key that all trust."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from fristwerk_platform.service_keys import make_service_key
from fristwerk_platform.token_keys import load_keys
from tests.sla_service.service.conftest import Desk, OpenPair
from tests.sla_service.service.row_lists import opened, row_of


async def test_it_does_all_its_work_with_a_key_that_signs_its_own_tokens_alone(
    recorded_folder: tuple[Path, dict[str, str]], tmp_path: Path, open_pair: OpenPair
) -> None:
    folder, names = recorded_folder
    shutil.copytree(folder, tmp_path / "var")
    own = tmp_path / "apart" / "sla-keys.json"
    own.parent.mkdir()
    made = make_service_key(tmp_path / "var" / "keys.json", "sla-service", own, now=datetime.now(UTC))
    async with open_pair(tmp_path / "var", sla_keys=own) as pair:
        desk = Desk(pair, names)
        before = await row_of(desk, (await opened(desk, desk.id("muster", "customer")))["id"])
        answer = {"text": "Wir sehen nach.", "channel": "email"}
        await desk.done(f"/v1/tickets/{before['id']}/responses", answer)

        after = await row_of(desk, before["id"])
        assert after["next_deadline"] != before["next_deadline"]
        assert (await desk.read("/health/ready"))["status"] == "ready"
    assert load_keys(own).key_id == made.key_id
