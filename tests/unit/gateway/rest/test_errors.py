"""The answers for the API server's refusals."""

from __future__ import annotations

import pytest

from taskyard.apiclient import ApiError, ConflictError, MissingError
from taskyard.gateway.rest.errors import answer_to


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(ApiError("POST x", "no", status=401), 401, id="the token has expired meanwhile"),
        pytest.param(ApiError("POST x", "no", status=403), 403, id="forbidden"),
        pytest.param(MissingError("POST x", "no", status=404), 404, id="gone"),
        pytest.param(ConflictError("POST x", "no", status=409), 409, id="another one of that name"),
        pytest.param(ApiError("POST x", "no", status=422), 400, id="invalid"),
        pytest.param(ApiError("POST x", "no", status=400), 400, id="bad"),
        pytest.param(ApiError("POST x", "no", status=413), 400, id="too large"),
        pytest.param(ApiError("POST x", "no", status=429), 429, id="too many"),
        pytest.param(ApiError("POST x", "no", status=500), 503, id="a fault of its own"),
        pytest.param(ApiError("POST x", "no"), 503, id="no answer"),
    ],
)
def test_answer_to(error: ApiError, status: int) -> None:
    assert answer_to(error).status == status
