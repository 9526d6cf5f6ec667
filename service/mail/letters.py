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


def _moment(moment: datetime) -> str:
    return f"{moment:%d %B %Y, %H:%M} UTC"
