"""HTTP/1.1 as uvicorn speaks it, with a bound on what comes before a body, and refusals that SCIM's clients can read.

What cannot be read as a request reaches no application, so nobody knows which door it was meant for. It is answered
with a SCIM Error: Okta shows its admin the `detail`, and of a text that is no JSON nothing.
"""

import uuid_utils
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from scim_facade.messages import Rejected, error_response

MAX_ADDRESS = 1 << 15  # bytes
MAX_HEAD = 1 << 16  # bytes of an address and headers
_UNREADABLE = "This cannot be read as an HTTP/1.1 request: see what the client, or a proxy before this service, sends."
_LONG_ADDRESS = f"The address must not have more than {MAX_ADDRESS:,} bytes: ask for less, or shorten the filter."
_LONG_HEADERS = f"The address and the headers must not have more than {MAX_HEAD:,} bytes together: send fewer headers."


def too_long(address: int, headers: int) -> Rejected | None:
    """Why an address and headers of so many bytes are refused, or None where they are not."""
    if address > MAX_ADDRESS:
        return Rejected(414, _LONG_ADDRESS)
    if address + headers > MAX_HEAD:
        return Rejected(431, _LONG_HEADERS)
    return None


class BoundedHttp(HttpToolsProtocol):
    """One connection. A head that never ends is refused while it comes; one that has ended, by the application."""

    url = b""
    _head = 0
    _in_head = True

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head at hand has grown too long."""
        self._head += len(data)
        super().data_received(data)
        if self._in_head and self._head > MAX_HEAD and not self.transport.is_closing():
            self._refuse(Rejected(431, _LONG_HEADERS) if self.headers else Rejected(414, _LONG_ADDRESS))

    def on_headers_complete(self) -> None:
        """The head is over."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """What comes now is another head."""
        self._head, self._in_head = 0, True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, to the parser's mind: it knows no addresses of 64 KiB."""
        self._refuse(too_long(len(self.url), 0) or Rejected(400, _UNREADABLE))

    def _refuse(self, rejected: Rejected) -> None:
        request_id = uuid_utils.uuid7().hex
        answer = error_response(rejected, request_id)
        headers = [*self.server_state.default_headers, *answer.raw_headers, (b"connection", b"close")]
        headers.append((b"x-request-id", request_id.encode()))
        lines = [b": ".join(header) + b"\r\n" for header in headers]
        self.transport.write(b"".join([STATUS_LINE[rejected.status], *lines, b"\r\n", answer.body]))
        self.transport.close()
