"""Which workspace a Host header names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headcount.hosts import HostNames, Place

LOCAL = HostNames("localhost")
PRODUCT = HostNames("Product.Example")

NOWHERE = Place(None, is_api=False)


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("acme.localhost:8000", Place("acme", is_api=False)),
        ("acme.localhost", Place("acme", is_api=False)),
        ("ACME.LocalHost:8000", Place("acme", is_api=False)),
        ("acme.localhost.", Place("acme", is_api=False)),
        ("acme.api.localhost:8000", Place("acme", is_api=True)),
        ("a-1.api.localhost", Place("a-1", is_api=True)),
        ("api.localhost:8000", Place(None, is_api=True)),
        ("localhost:8000", NOWHERE),
        ("127.0.0.1:8000", NOWHERE),
        ("[::1]:8000", NOWHERE),
        ("elsewhere.example", NOWHERE),
        ("acmelocalhost", NOWHERE),
    ],
)
def test_a_host_names_a_workspace_or_none(host: str, place: Place) -> None:
    assert LOCAL.place(host) == place


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("acme.product.example", Place("acme", is_api=False)),
        ("acme.api.product.example", Place("acme", is_api=True)),
        ("product.example", NOWHERE),
        ("acme.localhost", NOWHERE),
        ("product.example.evil.example", NOWHERE),
        ("evilproduct.example", NOWHERE),
    ],
)
def test_the_base_domain_decides(host: str, place: Place) -> None:
    assert PRODUCT.place(host) == place


@pytest.mark.parametrize(
    "host", ["", " ", "a b", "acme.localhost:", "acme.localhost:x", "a:1:2", "a/b", "a@b", "é.localhost", "a\n"]
)
def test_what_is_no_host_is_none(host: str) -> None:
    assert LOCAL.place(host) is None


def test_labels_that_no_workspace_can_have_name_a_workspace_that_there_is_not() -> None:
    for host in ("a.b.localhost", "a_b.localhost", "x.y.api.localhost"):
        place = LOCAL.place(host)
        assert place
        assert place.subdomain
        assert set(place.subdomain) & set("._")


@given(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True), st.integers(0, 65535))
def test_every_subdomain_is_found_again_on_both_sides(subdomain: str, port: int) -> None:
    if subdomain != "api":
        assert PRODUCT.place(f"{subdomain}.product.example:{port}") == Place(subdomain, is_api=False)
    assert PRODUCT.place(f"{subdomain}.api.product.example:{port}") == Place(subdomain, is_api=True)


@given(st.text())
def test_whatever_a_client_sends_is_answered(host: str) -> None:
    place = PRODUCT.place(host)
    assert place is None or place.subdomain is None or host.lower().rstrip(".").find("product.example") > 0
