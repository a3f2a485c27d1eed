"""The routes, by what they are about.

To add a module of the API, give it a `router` and put it into `ROUTERS`; its paths are without
`/api/v1`.
"""

from __future__ import annotations

from fastapi import APIRouter

from userprofile_assets.service import pages
from userprofile_assets.service.routes import (
    aggregates,
    catalog,
    health,
    partitions,
    quality,
    users,
)

PREFIX = "/api/v1"
"""Stands before every path of `ROUTERS`."""

ROUTERS: tuple[APIRouter, ...] = (
    users.router,
    aggregates.router,
    partitions.router,
    quality.router,
    catalog.router,
)
"""The API."""

PAGES: tuple[APIRouter, ...] = (health.router, pages.router)
"""What stands at paths of its own."""
