"""The files of the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope


class Pages(StaticFiles):
    """Files that a browser keeps, and asks about before each use: an edit shows at once.

    A page is eighty small ones: they are read at once, not by a thread for each step.
    """

    def file_response(self, full_path: Any, *arguments: Any, **others: Any) -> Response:
        response = super().file_response(full_path, *arguments, **others)
        if not isinstance(response, FileResponse):
            return response
        return Response(Path(full_path).read_bytes(), response.status_code, response.headers)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "no-cache"
        return response
