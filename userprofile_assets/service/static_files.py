"""The files that the pages load: read once, named by their content.

Belongs here: finding and reading them, their version, their media types. Does not belong here:
routes (`pages.py`).

All of our files share one version, the hash of them all, which stands in their path: the modules
import each other by relative names, so a page never mixes two versions, and a browser may keep
them for ever. plotly has a version of its own, so a change of ours does not fetch its 4.8 MB again.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

_ROOT = Path(__file__).parent / "static"

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

PLOTLY = "plotly.min.js"
_VERSION_LENGTH = 16


@dataclass(frozen=True)
class StaticFile:
    """One file as it is sent.

    Attributes:
        body: Its bytes.
        media_type: Its Content-Type.
    """

    body: bytes
    media_type: str

    @cached_property
    def zipped(self) -> bytes:
        """The bytes gzipped: plotly's 4.8 MB become 1.5 MB, which takes 0.2 s once."""
        return gzip.compress(self.body, 6, mtime=0)

    @cached_property
    def etag(self) -> str:
        """Its entity tag: a weak one, since the same tag stands for its gzipped bytes."""
        return f'W/"{_digest(self.body)}"'


@dataclass(frozen=True)
class StaticFiles:
    """All files, by version and path.

    Attributes:
        version: The version of our own files.
        plotly: The version of plotly's script; None: the package is not there, or has none.
        files: What `<version>/<path>` of a URL stands for.
    """

    version: str
    plotly: str | None
    files: dict[str, StaticFile]

    def page(self, name: str) -> StaticFile:
        """Return a page with the addresses of this version in it.

        Args:
            name: `dashboard` or `catalog`: `NAME.html`, with the modules of `common/` and `NAME/`,
                and in its head what is on every page.
        """
        static = f"static/{self.version}"
        modules = "\n".join(
            f'<link rel="modulepreload" href="{path}">'
            for path in (f"static/{key}" for key in self.files)
            if path.startswith((f"{static}/common/", f"{static}/{name}/")) and path.endswith(".js")
        )
        text = (_ROOT / f"{name}.html").read_text("utf-8")
        controls = (_ROOT / "common" / "controls.html").read_text("utf-8").rstrip()
        text = text.replace("{{controls}}", controls)
        text = text.replace("{{static}}", static).replace("{{modules}}", modules)
        text = text.replace("{{plotly}}", f"static/{self.plotly}/{PLOTLY}")
        return StaticFile(text.encode(), _MEDIA_TYPES[".html"])


@cache
def static_files() -> StaticFiles:
    """Read all files; a change on the disk is seen when the server starts anew."""
    found = {
        path.relative_to(_ROOT).as_posix(): StaticFile(path.read_bytes(), _MEDIA_TYPES[path.suffix])
        for path in sorted(_ROOT.rglob("*"))
        if path.suffix in _MEDIA_TYPES and path.suffix != ".html"
    }
    version = _digest(b"".join(name.encode() + file.body for name, file in found.items()))
    files = {f"{version}/{name}": file for name, file in found.items()}
    plotly = _read_plotly()
    if plotly is None:
        return StaticFiles(version, None, files)
    plotly_version = _digest(plotly)
    files[f"{plotly_version}/{PLOTLY}"] = StaticFile(plotly, _MEDIA_TYPES[".js"])
    return StaticFiles(version, plotly_version, files)


@cache
def page(name: str) -> StaticFile:
    """Return a page by its name."""
    return static_files().page(name)


def _read_plotly() -> bytes | None:
    """Return the script in the package plotly, which is not imported: that takes 0.3 s."""
    spec = importlib.util.find_spec("plotly")
    for place in (spec and spec.submodule_search_locations) or ():
        path = Path(place) / "package_data" / PLOTLY
        if path.is_file():
            return path.read_bytes()
    return None


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:_VERSION_LENGTH]
