"""`userprofile alert`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from userprofile_assets.alerts.deliver import deliver
from userprofile_assets.alerts.message import Severity
from userprofile_assets.errors import SettingsError
from userprofile_assets.settings.alerts import split_alert_urls

if TYPE_CHECKING:
    from userprofile_assets.settings import Settings


def run_alert_test(settings: Settings) -> int:
    """Send one message to every channel, say which took it, and return the exit code.

    Neither quiet hours nor limits hold it back, and it is not recorded.

    Raises:
        SettingsError: There is no channel.
    """
    if settings.alert_urls is None:
        raise SettingsError(
            "there is no channel",
            where="USERPROFILE_ALERT_URLS",
            remedy="set it, such as mailtos://user:password@example.org?to=team@example.org; "
            "see docs/alerts.md",
        )
    console = Console()
    urls = split_alert_urls(settings.alert_urls.get_secret_value())
    with console.status("sending"):
        results = deliver(
            urls,
            title="Test of the alerts of userprofile",
            text="This channel works. Links in alerts look like this:\n"
            f"{settings.ui_url}/runs/00000000-0000-0000-0000-000000000000",
            severity=Severity.WARNING,
        )
    for result in results:
        said = "took it" if result.took else f"did not take it: {result.said}"
        console.print(f"{result.channel} {said}", markup=False, highlight=False, soft_wrap=True)
    return 0 if all(result.took for result in results) else 1
