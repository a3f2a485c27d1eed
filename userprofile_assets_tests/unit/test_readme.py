"""What the README shows of `make demo`."""

from __future__ import annotations

import re
from pathlib import Path

from userprofile_assets.build import build_definitions

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_table_of_the_demo_has_the_assets_of_the_definitions(settings):
    shown = re.findall(r"^    (\w+) +│ made +│", README.read_text(encoding="utf-8"), re.MULTILINE)
    graph = build_definitions(settings=settings).resolve_asset_graph()
    made = [key.to_user_string() for key in graph.materializable_asset_keys]
    assert sorted(shown) == sorted(made)
