"""Whether an answer is what a step expects, and the words for either."""

from collections.abc import Iterator

from pydantic import JsonValue

from headcount.rehearsal.cases import Expectation
from headcount.rehearsal.exchange import Answer, NoAnswer
from headcount.rehearsal.matchers import Nothing, differences
from headcount.rehearsal.placeholders import Names

_NO_CONTENT = 204
_SHOWN = 160


def judged(expect: Expectation, answer: Answer | NoAnswer, names: Names) -> Iterator[str]:
    """A sentence for everything that is wrong with an answer; nothing when it is as expected."""
    if isinstance(answer, NoAnswer):
        yield answer.why
        return
    if answer.status not in expect.status:
        yield f"expected {_statuses(expect)}{_said(answer)}"
        return  # an error's body is no user: what else it is not would only hide this
    known: Names = names if isinstance(answer.body, Nothing) else {**names, "answer": answer.body}
    for name, value in expect.headers.items():
        yield from differences(value, answer.headers.get(name, Nothing.ABSENT), known, name)
    if expect.body is not None and answer.status != _NO_CONTENT:
        yield from _body_faults(expect, answer, known)
    if expect.within_ms is not None and answer.ms > expect.within_ms:
        yield f"it took {answer.ms:.0f} ms, expected at most {expect.within_ms} ms"


def summary(answer: Answer | NoAnswer) -> str:
    """What came back, in a word or two."""
    if isinstance(answer, NoAnswer):
        return "no answer"
    return str(answer.status) if answer.requests == 1 else f"{answer.status}, {answer.requests} requests"


def outlined(expect: Expectation) -> str:
    """What is looked at, in a line: the status, the headers, and the attributes of the body by their names."""
    parts = [*expect.headers, *_looked_at(expect.body)]
    parts += [f"within {expect.within_ms} ms"] if expect.within_ms is not None else []
    return _statuses(expect) + (": " + ", ".join(parts) if parts else "")


def _looked_at(body: JsonValue) -> Iterator[str]:
    match body:
        case None:
            pass
        case {"$any": [*choices]}:
            yield " or ".join(", ".join(_looked_at(choice)) for choice in choices)
        case dict():
            yield from (_attribute(name, value) for name, value in body.items())
        case _:
            yield "all as before"


def _attribute(name: str, expected: JsonValue) -> str:
    match expected:
        case bool() | int():
            return f"{name} {str(expected).lower()}"
        case {"$contains": [str(urn), *_]} if name == "schemas":
            return f"a SCIM {urn.rsplit(':', 1)[-1]}"
        case {"$absent": True}:
            return f"no {name}"
        case {"$empty": True}:
            return f"empty {name}"
        case _:
            return name.rsplit(":", 1)[-1]


def _body_faults(expect: Expectation, answer: Answer, names: Names) -> Iterator[str]:
    if not isinstance(answer.body, Nothing):
        yield from differences(expect.body, answer.body, names)
    elif answer.text.strip():
        kind = answer.headers.get("Content-Type", "no Content-Type")
        yield f"the body is not JSON ({kind}): {_excerpt(answer)}"
    else:
        yield "the body is empty"


def _said(answer: Answer) -> str:
    """What the server said to an answer that nobody expected: where it points, its detail, or its body's beginning."""
    if 300 <= answer.status < 400 and "Location" in answer.headers:
        return f"; it redirects to {answer.headers['Location']}"
    detail = answer.body.get("detail") if isinstance(answer.body, dict) else None
    said = detail if isinstance(detail, str) else _excerpt(answer)
    return f"; it said: {said}" if said else "; its body is empty"


def _statuses(expect: Expectation) -> str:
    return " or ".join(map(str, expect.status))


def _excerpt(answer: Answer) -> str:
    text = " ".join(answer.text.split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
