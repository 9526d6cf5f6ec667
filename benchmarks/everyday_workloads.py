"""Every kind of request of the report's table, for one server."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from benchmarks.graphql_workloads import people_page
from benchmarks.people import READ, WRITTEN, Tenant
from benchmarks.scim_workloads import ScimWorkloads
from benchmarks.serving import BASE_DOMAIN
from benchmarks.workloads import Workload


@contextmanager
def everyday_workloads(
    port: int, tenants: Mapping[str, Tenant], clients: int, *, signed_in: bool = True
) -> Iterator[list[Workload]]:
    """The workloads of this many clients, which can be verified until the block ends; see `people_page`."""
    scim = ScimWorkloads(port, BASE_DOMAIN, clients)
    people = people_page(port, BASE_DOMAIN, tenants[READ], clients, signed_in=signed_in)
    yield [*scim.reads(tenants[READ]), *scim.writes(tenants[WRITTEN]), people]
    scim.close()
