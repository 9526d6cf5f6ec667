"""What mails say."""

from datetime import datetime

from service.mail.outbox import Letter


def new_password(recipient: str, *, name: str, workspace: str, link: str, until: datetime) -> Letter:
    """To somebody who has forgotten a password."""
    return Letter(
        recipient,
        f"Your new password for {workspace}",
        f"""Hello {name},

somebody, probably you, wants to set a new password for your account at {workspace}. Open this address to do so:

{link}

It is good once, until {_moment(until)}. If it was not you, do nothing: your password stays as it is.
""",
    )


def password_changed(recipient: str, *, name: str, workspace: str) -> Letter:
    """To somebody whose password is another one now."""
    return Letter(
        recipient,
        f"Your password for {workspace} was changed",
        f"""Hello {name},

the password of your account at {workspace} was changed, and you are signed out everywhere else.

If it was not you, set a new one at once with "Forgotten password", and tell an admin of {workspace}.
""",
    )


def invitation(recipient: str, *, name: str, workspace: str, by: str, link: str, until: datetime) -> Letter:
    """To somebody who is to join a workspace."""
    return Letter(
        recipient,
        f"{by} invites you to {workspace}",
        f"""Hello {name},

{by} invites you to {workspace}. Open this address to choose a password and come in:

{link}

It is good once, until {_moment(until)}.
""",
    )


def key_expires(
    recipient: str, *, name: str, workspace: str, key: str, hint: str, at: datetime, used_at: datetime | None
) -> Letter:
    """To whoever can replace an API key before it expires."""
    used = f"It was last used on {_moment(used_at)}." if used_at else "It has not been used so far."
    return Letter(
        recipient,
        f'The API key "{key}" of {workspace} expires on {at:%d %B %Y}',
        f"""Hello {name},

the API key "{key}" ({hint}) of {workspace} opens nothing any more from {_moment(at)}. {used}

To keep what uses it at work, replace it under Settings, API, and put the new key where the old one is. Both are good
for as long as you choose.
""",
    )


def _moment(moment: datetime) -> str:
    return f"{moment:%d %B %Y, %H:%M} UTC"
