"""How a request comes in: from a page of its own host, with the session of its cookie or the API key that it shows."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from graphql_facade.context import Context
from graphql_facade.groups import groups_of
from graphql_facade.provisioning_log import last_event_of
from graphql_facade.requests import Rejected, refuse_unless_own_page
from service.authentication import Caller
from service.mail.carrier import Postman
from service.passwords import PasswordHasher
from service.refusals import Refused, Unauthenticated
from service.sessions import LIFETIME
from service.work import Work


class Entrance:
    """Makes the context of a request, and keeps the session's cookie.

    `development` allows plain http. `scim_base_url` makes a workspace's SCIM address of its subdomain, `page_url` the
    address of a page of the page's name and that.
    """

    def __init__(
        self,
        work: Work,
        hasher: PasswordHasher,
        postman: Postman,
        *,
        development: bool,
        scim_base_url: Callable[[str], str],
        page_url: Callable[[str, str], str],
    ) -> None:
        self._work = work
        self._hasher = hasher
        self._postman = postman
        self._development = development
        self._scim_base_url = scim_base_url
        self._page_url = page_url
        # Browsers keep a `__Host-` cookie only from https, for this very host and the path `/` (RFC 6265bis, 4.1.3.2).
        self._cookie = "headcount_session" if development else "__Host-headcount_session"

    def refuse_other_sites(self, request: Request) -> None:
        """Refuse what a page of another origin asks for."""
        refuse_unless_own_page(request, secure=not self._development)

    async def context_of(self, request: Request) -> Context:
        """The context of a request; Rejected where it shows a key that does not open this door."""
        caller: Caller = request.state.caller
        context = Context(
            work=self._work,
            hasher=self._hasher,
            caller=caller,
            postman=self._postman,
            scim_base_url=self._scim_base_url,
            page_url=self._page_url,
            key=_key(request),
            token=request.cookies.get(self._cookie),
        )
        await _refuse_unless_it_opens(context)
        context.groups_of = groups_of(context)
        context.last_event_of = last_event_of(context)
        return context

    def set_cookie(self, response: Response, context: Context) -> None:
        """Give the browser the session that the request began, or take the one away that it ended."""
        if (token := context.new_token) is not None:
            age = int(LIFETIME.total_seconds()) if token else 0
            response.set_cookie(self._cookie, token, max_age=age, secure=not self._development, httponly=True)


def _key(request: Request) -> str | None:
    """The API key that the request shows as a bearer token (RFC 6750, 2.1), if it shows one."""
    shown = request.headers.getlist("authorization")
    if not shown:
        return None
    scheme, _, token = shown[0].strip().partition(" ")
    if len(shown) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise _unauthenticated("One Authorization header is understood here, and only as Bearer <API key>.")
    return token.strip()


async def _refuse_unless_it_opens(context: Context) -> None:
    """A key that does not open this door is a mistake to be told of before anything is done."""
    if context.key is None:
        return
    try:
        actor = await context.actor()
    except Refused as refused:
        if isinstance(refused.reason, Unauthenticated):
            raise _unauthenticated(refused.reason.why) from None
        return  # whatever asks for somebody says why nobody is known at this moment
    if not actor.permissions:
        raise _unauthenticated("The API key is for SCIM. This API takes keys with USERS_READ or USERS_WRITE.")


def _unauthenticated(message: str) -> Rejected:
    challenge = {"WWW-Authenticate": 'Bearer realm="headcount", error="invalid_token"'}
    return Rejected(401, "UNAUTHENTICATED", message, challenge)
