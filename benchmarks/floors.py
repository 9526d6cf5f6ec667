"""What ours is compared with: a bare ASGI route and a FastAPI route, both of which answer with ready bytes.

`python -m benchmarks.floors bare|fastapi PORT` serves one of them, by uvicorn with headcount/server.py's settings.
"""

import sys

import uvicorn
from fastapi import FastAPI
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

MEDIA_TYPE = "application/scim+json"
PATH = "/api/scim/v2/Users/{id}"
BODY = (
    b'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"usr_0199f0c0a1b27c3d8e4f5a6b7c8d9e0f",'
    b'"externalId":"00u0000001","userName":"person.1@reads.example","name":{"familyName":"Number 1",'
    b'"givenName":"Person"},"displayName":"Person Number 1","locale":"en-US","active":true,"emails":[{"primary":true,'
    b'"value":"person.1@reads.example","type":"work"}],"meta":{"created":"2026-11-25T03:00:00.000Z","lastModified":'
    b'"2026-11-25T03:00:00.000Z","resourceType":"User","version":"W/\\"1\\"","location":'
    b'"http://reads.api.bench.example/api/scim/v2/Users/usr_0199f0c0a1b27c3d8e4f5a6b7c8d9e0f"}}'
)
_HEADERS = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(BODY)).encode())]


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """The least that an ASGI application can do."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": BODY})


def fastapi() -> FastAPI:
    """A route as FastAPI's handbook has it, with a parameter in its path."""
    app = FastAPI(openapi_url=None)

    @app.get(PATH)
    async def user(id: str) -> Response:
        return Response(BODY, media_type=MEDIA_TYPE)

    return app


def serve(name: str, port: int) -> None:
    """Serve one of them until interrupted."""
    app: ASGIApp = bare if name == "bare" else fastapi()
    uvicorn.run(
        app,
        port=port,
        access_log=False,
        server_header=False,
        log_config=None,
        forwarded_allow_ips="127.0.0.1",
        timeout_graceful_shutdown=25,
    )


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
