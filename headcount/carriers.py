"""What brings mail to its recipients: an SMTP server, or a folder where there is none."""

from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiosmtplib

from headcount.settings import Settings, write_secret
from service.mail.carrier import Carrier
from service.mail.outbox import Mail

_SECONDS = 30.0
OUTBOX = Path("var/outbox")


def carrier_of(settings: Settings) -> Carrier:
    """The carrier that the settings ask for."""
    url = settings.smtp_url.get_secret_value()
    return SmtpCarrier(url, settings.mail_from) if url else FolderCarrier(OUTBOX, settings.mail_from)


class SmtpCarrier:
    """Hands mail to an SMTP server: `smtp://user:password@host:587` (STARTTLS where it is offered) or `smtps://…`."""

    def __init__(self, url: str, sender: str) -> None:
        self._url = urlsplit(url)
        self._sender = sender

    async def send(self, mail: Mail) -> None:
        """Send one mail."""
        url = self._url
        try:
            await aiosmtplib.send(
                message_of(mail, self._sender),
                hostname=url.hostname,
                port=url.port,
                username=unquote(url.username) if url.username else None,
                password=unquote(url.password) if url.password else None,
                use_tls=url.scheme == "smtps",
                timeout=_SECONDS,
            )
        except (aiosmtplib.SMTPException, ValueError) as error:
            raise OSError(f"{type(error).__name__}: {error}") from error


class FolderCarrier:
    """Puts mail into a folder, for whoever has no SMTP server."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    async def send(self, mail: Mail) -> None:
        """Write one mail, which only the owner of the folder can read."""
        message = message_of(mail, self._sender)
        write_secret(self._folder / f"{mail.id}.eml", message.as_string())


def message_of(mail: Mail, sender: str) -> EmailMessage:
    """A mail as it is sent. The Message-ID is made of its id, so that a second copy is known for one."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.recipient
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.posted_at)
    message["Message-ID"] = f"<{mail.id}@{sender.rpartition('@')[2].rstrip('>')}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.body)
    return message
