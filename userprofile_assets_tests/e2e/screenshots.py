"""Writes the pictures of docs/images: `python -m userprofile_assets_tests.e2e.screenshots`.

Belongs here: what is on each picture. Does not belong here: checking pages (`test_dashboard.py`).

The database is seeded, so the pictures change only when the pages do, or the fonts: those on record
are drawn with fonts-inter and fonts-noto-cjk of Debian.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from userprofile_assets.records.database import open_records
from userprofile_assets.records.partitions import PartitionRecord, record_partitions
from userprofile_assets_tests.support.api_server import api_server
from userprofile_assets_tests.support.browser import PHONE, browser_of_the_system, watched_page
from userprofile_assets_tests.support.indexed_png import indexed_png
from userprofile_assets_tests.support.seeded_days import RUN, seed_days

if TYPE_CHECKING:
    from playwright.sync_api import Page

IMAGES = Path(__file__).parents[2] / "docs" / "images"

_DAYS, _PEOPLE = 32, 5_000

_DECODE = """async (data) => {
  const blob = await (await fetch(`data:image/png;base64,${data}`)).blob();
  const image = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const { data: pixels } = context.getImageData(0, 0, image.width, image.height);
  let text = "";
  for (let at = 0; at < pixels.length; at += 32768) {
    text += String.fromCharCode(...pixels.subarray(at, at + 32768));
  }
  return { rgba: btoa(text), width: image.width, height: image.height };
}"""


class Picture(NamedTuple):
    """One picture.

    Attributes:
        name: Of its file.
        path: What is looked at.
        whole: Whether the page is shown to its end.
        options: Of the browser's window.
    """

    name: str
    path: str
    whole: bool
    options: dict[str, Any]


PICTURES = (
    Picture("dashboard", "/", True, {}),
    Picture("dashboard-dark", "/?country=China&device=mobile", True, {"color_scheme": "dark"}),
    Picture("dashboard-phone", "/", False, {**PHONE, "device_scale_factor": 2}),
    Picture("data-map", "/catalog#ads_user_info_1d_spark.region", False, {}),
)


def write_all(directory: Path) -> list[Path]:
    """Write all pictures and return their files."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary, "home")
        with open_records(None, home) as records:
            seed_days(records, days=_DAYS, people=_PEOPLE)
            made = PartitionRecord(
                asset="ads_user_info_1d_spark", dt="20240807", row_count=_PEOPLE,
                byte_count=184_320, location=None, run_id=RUN,
                made_at="2024-08-08T00:30:00.000000Z",
            )  # fmt: skip
            record_partitions(records, [made])
        variables = {"UI_URL": "http://127.0.0.1:3000"}
        with api_server(home, variables) as server, browser_of_the_system() as browser:
            for picture in PICTURES:
                with watched_page(browser, **picture.options) as page:
                    page.goto(f"{server.url}{picture.path}")
                    page.wait_for_selector("#main[data-ready]")
                    file = directory / f"{picture.name}.png"
                    file.write_bytes(_small(page, page.screenshot(full_page=picture.whole)))
                    written.append(file)
    return written


def _small(page: Page, png: bytes) -> bytes:
    # A page of its own: the policy of ours lets it fetch nothing.
    with page.context.expect_page() as opened:
        page.evaluate("() => { open('about:blank', '_blank', 'noopener'); }")
    decoded = opened.value.evaluate(_DECODE, base64.b64encode(png).decode())
    return indexed_png(base64.b64decode(decoded["rgba"]), decoded["width"], decoded["height"])


def main() -> None:
    """Write all pictures, and say how large each is."""
    for file in write_all(IMAGES):
        sys.stdout.write(f"{file.name}: {file.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    main()
