"""What the service says of itself is what it does."""

from typing import Any

import httpx2
import pytest

from scim_facade.group_attributes import CORE as GROUP
from scim_facade.user_attributes import USER
from tests.scim_facade.people import CORE, ENTERPRISE, assert_error, created, patch
from tests.stage import Tenant


@pytest.fixture
def scim(acme: Tenant) -> httpx2.Client:
    return acme.scim()


def test_the_configuration_says_what_is_supported(scim: httpx2.Client) -> None:
    body = scim.get("/ServiceProviderConfig").json()
    supported = {name for name, value in body.items() if isinstance(value, dict) and value.get("supported")}
    assert supported == {"patch", "bulk", "filter", "sort", "etag"}
    assert (body["pagination"]["cursor"], body["pagination"]["index"]) == (True, True)
    assert body["bulk"] == {"supported": True, "maxOperations": 1_000, "maxPayloadSize": 5 << 20}
    assert body["authenticationSchemes"][0]["type"] == "oauthbearertoken"


def test_there_are_users_and_groups(scim: httpx2.Client) -> None:
    listed = scim.get("/ResourceTypes").json()
    assert [each["endpoint"] for each in listed["Resources"]] == ["/Users", "/Groups"]
    assert listed["totalResults"] == 2
    user = listed["Resources"][0]
    assert (user["id"], user["endpoint"], user["schema"]) == ("User", "/Users", CORE)
    assert user["schemaExtensions"] == [{"schema": ENTERPRISE, "required": False}]
    assert scim.get("/ResourceTypes/User").json() == user
    assert scim.get(f"{user['meta']['location'].partition('/v2')[2]}").json() == user


def test_each_schema_can_be_read_alone(scim: httpx2.Client) -> None:
    listed = scim.get("/Schemas").json()["Resources"]
    assert [each["id"] for each in listed] == [CORE, ENTERPRISE, GROUP]
    for each in listed:
        assert scim.get(f"/Schemas/{each['id']}").json() == each


def test_what_is_not_there_is_not_found(scim: httpx2.Client) -> None:
    assert_error(scim.get("/Schemas/urn:nonsense"), 404)
    assert_error(scim.get("/ResourceTypes/Device"), 404)


@pytest.mark.parametrize("path", ["/Schemas", "/ResourceTypes"])
def test_discovery_is_not_filtered(scim: httpx2.Client, path: str) -> None:
    assert_error(scim.get(path, params={"filter": 'id eq "x"'}), 403)


def test_password_is_in_no_schema(scim: httpx2.Client) -> None:
    assert "password" not in scim.get("/Schemas").text.lower()


def test_every_attribute_that_the_schemas_name_can_be_written_and_read(scim: httpx2.Client) -> None:
    sent: dict[str, Any] = {}
    for urn in (CORE, ENTERPRISE):
        schema = scim.get(f"/Schemas/{urn}").json()
        target = sent if schema["id"] == CORE else sent.setdefault(schema["id"], {})
        target |= {each["name"]: _value(each) for each in schema["attributes"] if each["mutability"] != "readOnly"}
    body = created(scim, **{name: value for name, value in sent.items() if name != "userName"})
    for name, value in sent.items():
        if name not in ("userName", "active"):
            assert body[name] == value, name


def _value(attribute: dict[str, Any]) -> Any:
    if attribute["type"] == "boolean":
        return True
    if attribute["type"] != "complex":
        return f"some {attribute['name']}"
    value = {each["name"]: _value(each) for each in attribute["subAttributes"]}
    return [value] if attribute["multiValued"] else value


@pytest.mark.parametrize("attribute", [each.name for each in USER.attributes if each.mutability == "readOnly"])
def test_read_only_attributes_cannot_be_patched(scim: httpx2.Client, attribute: str) -> None:
    before = created(scim)
    answer = patch(scim, before["id"], {"op": "replace", "path": attribute, "value": "x"})
    assert_error(answer, 400, "mutability", attribute)
