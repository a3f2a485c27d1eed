"""A mail server on 127.0.0.1 that keeps what it gets."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller

from userprofile_assets_tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage


class MailBox:
    """The mails that came, and where to send them."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.port = free_port()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Keep a mail; aiosmtpd calls this by its name."""
        mail: Any = message_from_bytes(envelope.content, policy=default)
        self.mails.append(mail)
        return "250 OK"

    def url(self, receiver: str = "team@example.org") -> str:
        """Return the channel of apprise that sends here."""
        return (
            f"mailto://127.0.0.1:{self.port}?from=dagster@example.org&to={receiver}&mode=insecure"
        )


@pytest.fixture
def mail_box() -> Iterator[MailBox]:
    """A running mail server."""
    box = MailBox()
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    yield box
    controller.stop()
