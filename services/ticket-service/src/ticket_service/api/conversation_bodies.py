"""The bodies of what customer and vendor say to each other on a ticket."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fristwerk_platform.http import Identifier, LocalDate, LongText, OptionalText, StrictBool
from ticket_service.api.sources import SourceBody
from ticket_service.api.ticket_endpoint import CommandBody, NumberedBody, TimedBody
from ticket_service.domain.ticket import commands


class MessageBody(TimedBody):
    """On a resolved ticket it reopens it within `after_resolution.reopen_within`; later a new ticket `follows` the old one.

    A machine's message (`automatic`) starts, ends and reopens nothing; neither does thanks that staff have marked
    (`needs_answer` false). One that was taken already (`source`) is 200 with what it led to, `already_known`.
    """

    creates = commands.ReceiveMessage
    channel: Identifier = Field(examples=["email"])
    text: LongText = Field(examples=["Es geht immer noch nicht."])
    automatic: StrictBool = False
    needs_answer: StrictBool = True
    source: SourceBody | None = None


class NoAnswerNeededBody(NumberedBody):
    """The message starts, ends and reopens nothing, from its arrival on: the ticket is resolved again where nothing else
    was a reason to reopen it, and a clock that it started never ran. `number` is its version in the ticket's history.
    """

    creates = commands.MarkNoAnswerNeeded
    reason: OptionalText | None = Field(None, examples=["Ein Dank"])


class ResponseBody(TimedBody):
    creates = commands.Respond
    channel: Identifier = Field(examples=["email"])
    text: LongText = Field(examples=["Wir schauen es an."])
    visible: StrictBool = True
    automatic: StrictBool = False
    needs_second_level: StrictBool = False


class ProgressBody(CommandBody):
    creates = commands.ReportProgress
    channel: Identifier = Field(examples=["phone"])
    text: LongText = Field(examples=["Die Ursache ist gefunden."])
    planned_for: LocalDate | None = Field(None, description="The local day on which the work is planned now")
    percent: Annotated[int, Field(strict=True, ge=0, le=100)] | None = None


class InformationRequestBody(CommandBody):
    creates = commands.RequestInformation
    question: LongText = Field(examples=["Welche Version ist installiert?"])


class InformationBody(CommandBody):
    """What was taken already (`source`) is 200 with what it led to, `already_known`."""

    creates = commands.ReceiveInformation
    text: LongText = Field(examples=["Version 12."])
    source: SourceBody | None = None
