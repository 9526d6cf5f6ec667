"""Reading HTTP/1.1 answers from bytes as they arrive (RFC 9112): the status, and the whole body."""

_END_OF_HEAD = b"\r\n\r\n"
_NO_BODY = (204, 304)


class UnreadableAnswerError(Exception):
    """What arrived is no answer that this reader knows."""


class AnswerReader:
    """The answers of one connection, one at a time: whoever uses it asks for the next when it has the last."""

    def __init__(self) -> None:
        self._bytes = b""
        self._status = 0
        self._begin = 0  # of the body
        self._end: int | None = None  # of the body; None: not known yet, or chunked
        self._chunks: list[bytes] | None = None

    def feed(self, data: bytes) -> tuple[int, bytes] | None:
        """Status and body once the answer is complete, else None. Raises UnreadableAnswerError."""
        self._bytes = self._bytes + data if self._bytes else data
        if not self._status and not self._read_head():
            return None
        if self._chunks is not None:
            if not self._read_chunks():
                return None
            body = b"".join(self._chunks)
        elif self._end is not None and len(self._bytes) >= self._end:
            body = self._bytes[self._begin : self._end]
            self._begin = self._end
        else:
            return None
        if len(self._bytes) > self._begin:
            raise UnreadableAnswerError(f"bytes after the answer: {self._bytes[self._begin :][:100]!r}")
        status = self._status
        self._bytes, self._status, self._begin, self._end, self._chunks = b"", 0, 0, None, None
        return status, body

    def _read_head(self) -> bool:
        end = self._bytes.find(_END_OF_HEAD)
        if end < 0:
            return False
        head = self._bytes[:end].lower()
        if not head.startswith(b"http/1.1 ") or not head[9:12].isdigit():
            raise UnreadableAnswerError(f"no status line: {head[:100]!r}")
        status, self._begin = int(head[9:12]), end + len(_END_OF_HEAD)
        if status < 200:
            raise UnreadableAnswerError(f"an interim answer, which nobody asked for: {status}")
        length = _header(head, b"content-length")
        if _header(head, b"transfer-encoding") == b"chunked":
            self._chunks = []
        elif status in _NO_BODY:
            self._end = self._begin
        elif length is not None and length.isdigit():
            self._end = self._begin + int(length)
        else:
            raise UnreadableAnswerError(f"neither Content-Length nor chunked: {head!r}")
        self._status = status
        return True

    def _read_chunks(self) -> bool:
        """Take the chunks that are there; whether the last one is among them. Trailers are not supported."""
        assert self._chunks is not None
        while (line_end := self._bytes.find(b"\r\n", self._begin)) >= 0:
            size = int(self._bytes[self._begin : line_end].partition(b";")[0], 16)
            begin, end = line_end + 2, line_end + 2 + size
            if len(self._bytes) < end + 2:
                return False
            if self._bytes[end : end + 2] != b"\r\n":
                raise UnreadableAnswerError("a chunk that does not end where it said")
            self._begin = end + 2
            if size == 0:
                return True
            self._chunks.append(self._bytes[begin:end])
        return False


def _header(head: bytes, name: bytes) -> bytes | None:
    """The value of a header in a head that is in lower case, or None."""
    begin = head.find(b"\r\n" + name + b":")
    if begin < 0:
        return None
    begin += len(name) + 3
    end = head.find(b"\r\n", begin)
    return head[begin : end if end >= 0 else len(head)].strip()
