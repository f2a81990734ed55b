"""Refusals of the API server as errors of the REST API."""

from taskyard.apiclient import ApiError, ConflictError, MissingError
from taskyard.gateway.http.errors import HttpError

NOT_FOUND = "Resource not found or you do not have access to this resource"


def not_found() -> HttpError:
    """The error for an object that does not exist or that the caller may not see: the two must be indistinguishable."""
    return HttpError(404, NOT_FOUND)


def answer_to(error: ApiError) -> HttpError:
    """The error for a caller's write that the API server refused or did not answer."""
    if error.status == 401:
        return HttpError(401, "The token is no longer valid.")
    if isinstance(error, MissingError):
        return not_found()
    if isinstance(error, ConflictError):
        return HttpError(409, "The resource was changed or replaced meanwhile.", detail=error.message)
    if error.status == 403:
        return HttpError(403, "Forbidden.", detail=error.message)
    if error.status in (400, 422):
        return HttpError(400, "The Kubernetes API server refused the request.", detail=error.message)
    if error.status == 413:
        return HttpError(400, "The request's body is too large.", detail=error.message)
    if error.status == 429:
        return HttpError(429, "Too many requests.", detail=error.message, retry_after=1)
    return HttpError(503, "The Kubernetes API server gave no answer.", detail=error.message, retry_after=1)
