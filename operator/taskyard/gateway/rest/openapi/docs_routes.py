"""The routes that describe the others: `/openapi.json` and `/docs`. They disclose no data, so they need no token."""

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, Response

from taskyard.gateway.rest.openapi import document as openapi_document
from taskyard.gateway.rest.openapi.docs_html import page

# The page runs no script and loads nothing.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def add_documentation(app: FastAPI) -> None:
    """Serve the description of the application's routes."""
    made: dict[str, bytes] = {}

    def once() -> dict[str, bytes]:
        # Built at the first request: most gateways never get one.
        if not made:
            document = openapi_document.document(app)
            made.update(json=openapi_document.text(document).encode(), html=page(document).encode())
        return made

    @app.get("/openapi.json", include_in_schema=False)
    async def document() -> Response:
        return Response(once()["json"], media_type="application/json", headers={"Cache-Control": "no-cache"})

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(once()["html"], headers=_HEADERS)
