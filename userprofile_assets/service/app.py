"""The API as one ASGI application: its parts, middlewares and routes put together.

Belongs here: the order of things. Does not belong here: the server around it (`cli/serve.py`,
`protocol.py`), what a route answers (`routes/`).

From outside to inside: `observation.py` (id, log, metrics, exceptions), `request_limits.py`
(methods, lengths, encodings), gzip, the routes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute

from userprofile_assets.catalog.environment import set_variables
from userprofile_assets.catalog.model import Catalog
from userprofile_assets.catalog.open_catalog import open_catalog
from userprofile_assets.records.database import open_records
from userprofile_assets.service.access import Needs, Scope
from userprofile_assets.service.compression import Compression
from userprofile_assets.service.context import ServiceContext
from userprofile_assets.service.keyring import Keyring
from userprofile_assets.service.metrics import ServiceMetrics
from userprofile_assets.service.observation import OPENAPI, Observation
from userprofile_assets.service.openapi import DESCRIPTION, PROBLEMS, VERSION, install_openapi
from userprofile_assets.service.problems import install_handlers
from userprofile_assets.service.rate_limit import RateLimit
from userprofile_assets.service.readiness import Readiness
from userprofile_assets.service.request_limits import RequestLimits
from userprofile_assets.service.routes import PAGES, PREFIX, ROUTERS
from userprofile_assets.serving.reader import open_reader
from userprofile_assets.settings import Settings


def create_app(
    settings: Settings,
    *,
    log: Callable[[str], None] = print,
    loopback: bool = True,
    metrics: ServiceMetrics | None = None,
) -> FastAPI:
    """Return the application; connects to nothing yet.

    Args:
        settings: The settings.
        log: Takes one line; must not wait.
        loopback: Whether only this machine can reach it, which is what it is open to without keys.
        metrics: Where the server around it counts too.

    Raises:
        SettingsError: SERVING_URL is no URL, or its driver is missing.
    """
    context = _context(settings, log, metrics or ServiceMetrics(), loopback=loopback)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await context.keys.close()
        context.reader.close()
        context.records.close()

    app = FastAPI(
        title="User profile API",
        version=VERSION,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=OPENAPI,
        redirect_slashes=False,
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.context = context
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX, responses=PROBLEMS)
    for router in PAGES:
        app.include_router(router)
    install_handlers(app)
    install_openapi(app, scopes=_scopes())
    # The one that is added last is the outermost.
    app.add_middleware(Compression)
    app.add_middleware(RequestLimits)
    app.add_middleware(Observation, metrics=context.metrics, log=log)
    return app


def _scopes() -> dict[str, Scope]:
    """Return the scope that each path needs."""
    found = {}
    for prefix, routers in ((PREFIX, ROUTERS), ("", PAGES)):
        for route in (route for router in routers for route in router.routes):
            if isinstance(route, APIRoute):
                for dependency in route.dependant.dependencies:
                    if isinstance(dependency.call, Needs):
                        found[prefix + route.path_format] = dependency.call.scope
    return found


def _context(
    settings: Settings, log: Callable[[str], None], metrics: ServiceMetrics, *, loopback: bool
) -> ServiceContext:
    url = None if settings.serving_url is None else settings.serving_url.get_secret_value()
    ca = None if settings.serving_ca is None else str(settings.serving_ca)
    records = open_records(url, settings.home, tls=settings.serving_tls, ca=ca)

    def catalog() -> Catalog:
        return open_catalog(set_variables(), lambda: settings, log)

    return ServiceContext(
        settings=settings,
        records=records,
        reader=open_reader(
            url,
            settings.home,
            tls=settings.serving_tls,
            ca=ca,
            query_seconds=settings.api_query_seconds,
        ),
        catalog=catalog,
        keys=Keyring(records, log),
        rate=RateLimit(settings.api_rate),
        readiness=Readiness(),
        metrics=metrics,
        log=log,
        loopback=loopback,
    )
