"""Recordings that nobody uploads: from the web, and from the bucket itself."""

from __future__ import annotations

from debate_analyzer.bootstrap import import_desk
from debate_analyzer.caller import Caller
from debate_analyzer.catalogue import JobView, view
from debate_analyzer.config import Settings
from debate_analyzer.import_desk import ImportRequest, RegisterRequest


def fetch(body: ImportRequest, caller: Caller, settings: Settings) -> JobView:
    """A debate whose recording is fetched from a public address.

    The job says how far it is, and why where nothing comes of it: a site may refuse, a page may
    show nothing. Cancelled like any other.
    """
    return view(import_desk(settings).fetch(body, caller))


def register(body: RegisterRequest, caller: Caller, settings: Settings) -> JobView:
    """A debate from what lies in the bucket already: a recording or a transcript.

    What lies in a job's folder is worked on where it is, and belongs to whoever registers it unless
    it is somebody's. What lies below incoming/ is copied into the folder of a new job.
    """
    return view(import_desk(settings).register(body, caller))
