"""What workspace.yaml, `dagster -m` and `dg` load."""

from userprofile_assets.build import build_definitions
from userprofile_assets.settings import Settings

defs = build_definitions(settings=Settings.load())
