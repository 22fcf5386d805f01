"""The root of what ends a command of the local runner with a sentence instead of a traceback.

FailedError
├── FolderError           folder.py      the folder cannot be used
├── StartError            supervisor.py  a service could not be started
├── NotConnectedError     client.py      there is no running Fristwerk to talk to
├── ServiceDownError      client.py      a service stays away
├── RefusedError          client.py      an answer that was not the one asked for
├── StoryError            story.py       the file is not a story
├── MappingError          past_tickets/mapping.py  the file is not a mapping
└── FileKindError         past_tickets/rows.py     the file is neither CSV nor NDJSON
"""

from __future__ import annotations


class FailedError(Exception):
    """The command could not be done; the message is a sentence for whoever gave it."""
