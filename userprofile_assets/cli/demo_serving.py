"""The end of `userprofile demo`: what runs in the background, and where to look.

Belongs here: ports, addresses, the `curl` that works. Does not belong here: starting it
(`up_detached.py`).
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING
from urllib.parse import quote

from userprofile_assets.bizdate import to_partition_key
from userprofile_assets.cli.demo_days import read_serving
from userprofile_assets.cli.up_detached import Services, start_detached
from userprofile_assets.cli.up_ports import UpPorts
from userprofile_assets.cli.up_state import find_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from userprofile_assets.settings import Settings

_NEWEST = "SELECT MAX(dt) FROM serving_day WHERE table_name = 'ads_user_info_1d'"
# A key that is revoked counts: the API stays closed behind it.
_KEYS = "SELECT COUNT(*) FROM api_key"


def start_services(
    console: Console, settings: Settings, environment: Mapping[str, str]
) -> Services:
    """Start dashboard, API, Dagster UI and Spark in the background, or find them running.

    A port that another program has is no reason to fail: one near it is taken, and said.

    Args:
        console: Where to say it.
        settings: The settings.
        environment: The environment that the demo was started in.

    Raises:
        PermanentError: They do not come up.
    """
    wanted = UpPorts(api=settings.api_port)
    if find_up(settings.home) is None:
        ports = wanted.free(settings)
        for asked, given in zip(wanted.numbers(), ports.numbers(), strict=True):
            if asked != given:
                console.print(
                    f"  Port {asked} is taken by another program; taking {given}.",
                    highlight=False,
                )
        wanted = ports
    return start_detached(
        settings,
        wanted,
        environment=environment,
        tell=lambda sentence: console.print(f"  {sentence}", highlight=False, markup=False),
    )


def print_addresses(console: Console, settings: Settings, services: Services) -> None:
    """Print where dashboard and Dagster UI are, a `curl` that works, and how all of it ends."""
    addresses = services.addresses
    found = "" if services.started else " (running already)"
    console.print(f"\n[bold]Running in the background[/bold]{found}", highlight=False)
    lines = []
    if "api" in addresses:
        lines.append(("Dashboard", f"{addresses['api']}/"))
    if "dagster" in addresses:
        lines.append(("Dagster UI", addresses["dagster"]))
    command = curl_command(settings, addresses["api"]) if "api" in addresses else None
    if command is not None:
        lines.append(("One profile", command))
    lines.append(("To end it", "make stop (userprofile down)"))
    for name, value in lines:
        # Not folded: it is to be copied.
        console.print(f"  {name + ':':<13}{value}", highlight=False, markup=False, soft_wrap=True)


def curl_command(settings: Settings, api: str) -> str | None:
    """Return a command that shows a profile of the newest day that is served; None without one.

    Args:
        settings: The settings.
        api: Address of the API.
    """
    newest = read_serving(settings, _NEWEST)
    dt = newest[0][0] if newest else None
    if dt is None:
        return None
    busiest = (
        f"SELECT uid FROM ads_user_info_1d WHERE dt = '{int(str(dt)):08}' "  # noqa: S608 - eight digits
        "ORDER BY is_registered DESC, pv DESC, uid LIMIT 1"
    )
    rows = read_serving(settings, busiest)
    if not rows:
        return None
    url = f"{api}/api/v1/users/{quote(str(rows[0][0]), safe='')}?dt={to_partition_key(str(dt))}"
    keys = read_serving(settings, _KEYS)
    key = " -H 'Authorization: Bearer <a key with the scopes users and pii>'" if keys[0][0] else ""
    return f"curl -sS{key} {shlex.quote(url)}"
