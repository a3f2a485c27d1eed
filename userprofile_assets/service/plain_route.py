"""Routes that FastAPI describes but does not take apart.

Belongs here: calling an endpoint with its request, its caller and the parts of its path. Does not
belong here: parameters of the query, which endpoints read by `filters.Query`.

What FastAPI does for each request (dependencies, bodies, two stacks of exits) takes longer than
looking a user up. An endpoint here takes `request`, a caller by `Depends(needs(...))`, and texts of
its path; it returns a Response. OpenAPI is made as for any other route.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from userprofile_assets.service.access import Needs


class PlainRoute(APIRoute):
    """A route whose endpoint is called without FastAPI's machinery."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        endpoint = self.endpoint
        (name, needs) = next(
            (dependency.name, dependency.call)
            for dependency in self.dependant.dependencies
            if isinstance(dependency.call, Needs)
        )
        known = {"request", name, *self.param_convertors}
        left = set(inspect.signature(endpoint).parameters) - known
        if left or name is None:
            raise TypeError(f"{endpoint.__name__} takes what a plain route has not: {left}")

        async def handle(request: Request) -> Response:
            caller = await needs(request)
            arguments = {name: caller, **request.path_params}
            response: Response = await endpoint(request=request, **arguments)
            return response

        return handle
