"""The pages for people: the dashboard at `/`, the data map at `/catalog`, and what they load.

Belongs here: their routes and how long a browser may keep them. Does not belong here: the files
(`static_files.py`, `static/`), headers of every answer (`app.py`), data: the pages ask the API.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from userprofile_assets.service.problems import ProblemError
from userprofile_assets.service.static_files import StaticFile, page, static_files

router = APIRouter(include_in_schema=False)

_METHODS = ["GET", "HEAD"]

# A page names the version of its files, so it is asked for each time; they never change.
_ASK = "no-cache"
_KEEP = "public, max-age=31536000, immutable"


@router.api_route("/", methods=_METHODS)
def dashboard(request: Request) -> Response:
    """Send the dashboard."""
    return _answer(request, page("dashboard"), _ASK)


@router.api_route("/catalog", methods=_METHODS)
def data_map(request: Request) -> Response:
    """Send the data map."""
    return _answer(request, page("catalog"), _ASK)


@router.api_route("/static/{version}/{path:path}", methods=_METHODS)
def static(request: Request, version: str, path: str) -> Response:
    """Send a file of a page.

    Raises:
        ProblemError: 404: there is no such file in this version of the server.
    """
    found = static_files().files.get(f"{version}/{path}")
    if found is None:
        raise ProblemError(
            404, "not-found", "No such file", "The page is of another version; load it again."
        )
    return _answer(request, found, _KEEP)


def _answer(request: Request, file: StaticFile, keep: str) -> Response:
    headers = {"ETag": file.etag, "Cache-Control": keep, "Vary": "Accept-Encoding"}
    asked = request.headers.get("if-none-match", "")
    if file.etag in (tag.strip() for tag in asked.split(",")):
        return Response(status_code=304, headers=headers)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(file.body, media_type=file.media_type, headers=headers)
    headers["Content-Encoding"] = "gzip"
    return Response(file.zipped, media_type=file.media_type, headers=headers)
