"""Errors as RFC 9457 problems: the one place where a kind of error becomes a status code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from features.kernel.errors import Conflict, Invalid, NotFound, NotPermitted
from serving.storage.database import StorageUnavailable

MEDIA_TYPE = "application/problem+json"
BEARER = 'Bearer realm="mscore"'

Statuses = Sequence[tuple[type[Exception], HTTPStatus]]
STATUS_OF_KIND: Statuses = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (NotPermitted, HTTPStatus.FORBIDDEN),
    (Invalid, HTTPStatus.BAD_REQUEST),
    (StorageUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
)


SENTENCES: Mapping[HTTPStatus, str] = {
    HTTPStatus.NOT_FOUND: "There is nothing at this address; /openapi.json lists what there is.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The service cannot use its database at the moment; try again.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take that method; the Allow header names those it takes.",
}
_TEXT: Mapping[str, str] = {"type": "string"}
_FIELD_ERROR = {"type": "object", "properties": {"pointer": _TEXT, "detail": _TEXT}, "required": ["pointer", "detail"]}
PROBLEM_SCHEMA: Mapping[str, Any] = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "type": "object",
    "properties": {
        **dict.fromkeys(("type", "title", "detail", "instance", "request_id"), _TEXT),
        "status": {"type": "integer"},
        "errors": {"type": "array", "items": _FIELD_ERROR},
    },
    "required": ["type", "title", "status", "detail", "instance", "request_id", "errors"],
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong with one request, before it is written as JSON or as a page."""

    status: HTTPStatus
    detail: str
    errors: Sequence[Mapping[str, str]] = ()
    headers: Mapping[str, str] | None = None


def problem_of(error: Exception, special_cases: Statuses = ()) -> Problem:
    """The problem for an error; an unforeseen error reveals nothing internal.

    The first kind that fits counts, so the special cases of subjects come before the general kinds.
    """
    if isinstance(error, RequestValidationError):
        return _validation_problem(error)
    if isinstance(error, HTTPException):
        status = HTTPStatus(error.status_code)
        is_bare = error.detail in ("", status.phrase)
        return Problem(status, SENTENCES.get(status, status.phrase) if is_bare else error.detail, headers=error.headers)
    for kind, status in (*special_cases, *STATUS_OF_KIND):
        if isinstance(error, kind):
            # What a driver says names hosts, users and paths; it is for the log.
            is_ours = status < HTTPStatus.INTERNAL_SERVER_ERROR
            return Problem(status, str(error) if is_ours else SENTENCES[status], headers=_headers(status))
    detail = "Something failed on our side; the request_id finds it in the log."
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)


def problem_response(request: Request, problem: Problem) -> Response:
    """The problem as `application/problem+json`."""
    request_id = getattr(request.state, "request_id", "")
    body: dict[str, Any] = {
        "type": f"urn:mscore:problem:{problem.status.phrase.lower().replace(' ', '-')}",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
        "instance": request.url.path,
        "request_id": request_id,
        "errors": list(problem.errors),
    }
    headers = {"x-request-id": request_id} | dict(problem.headers or {})
    return Response(orjson.dumps(body), problem.status, headers, MEDIA_TYPE)


def _headers(status: HTTPStatus) -> Mapping[str, str] | None:
    if status is HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": BEARER}
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        return {"Retry-After": "1"}
    return None


def _validation_problem(error: RequestValidationError) -> Problem:
    items = error.errors()
    in_body = any(item["loc"][0] == "body" for item in items)
    errors = [{"pointer": _pointer(item), "detail": _detail(item)} for item in items]
    # Conventions, HTTP: 422 is kept for a malformed payload; a wrong query or header is a bad request.
    status = HTTPStatus.UNPROCESSABLE_ENTITY if in_body else HTTPStatus.BAD_REQUEST
    where = "; ".join(f"{entry['pointer'] or 'body'}: {entry['detail']}" for entry in errors[:3])
    return Problem(status, f"The request cannot be used ({where}).", errors)


def _pointer(item: Mapping[str, Any]) -> str:
    """The JSON pointer (RFC 6901) into the body, or to the parameter's name."""
    if item["type"] == "json_invalid":
        return ""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in item["loc"][1:])


def _detail(item: Mapping[str, Any]) -> str:
    place = item["loc"][0]
    return str(item["msg"]) if place == "body" else f"{place} parameter: {item['msg']}"


def documented(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """The problems an endpoint may answer with, for its OpenAPI description."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {s.value: {"description": s.phrase, "content": {MEDIA_TYPE: {"schema": schema}}} for s in statuses}


def describe(app: FastAPI) -> None:
    """Give the application's OpenAPI document the form of a problem."""
    generate = app.openapi

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schemas = generate().setdefault("components", {}).setdefault("schemas", {})
            schemas |= {"Problem": PROBLEM_SCHEMA}
        return generate()

    app.openapi = document  # type: ignore[method-assign]
