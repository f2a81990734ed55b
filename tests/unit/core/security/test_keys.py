"""Keys and tokens are derived from the master key alone."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.core.security import keys

MASTER = bytes(range(32))
UID = "0c8f6a3e-5a45-4d0e-9b5d-1d2f3a4b5c6d"


def test_a_pods_key_is_the_hmac_of_its_uid() -> None:
    assert keys.pod_key(MASTER, UID) == hmac.new(MASTER, UID.encode(), hashlib.sha256).hexdigest()


def test_other_pods_and_other_installations_have_other_keys() -> None:
    made = {keys.pod_key(MASTER, UID), keys.pod_key(MASTER, UID + "0"), keys.pod_key(bytes(32), UID)}
    assert len(made) == 3


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_master_key_of_another_size_makes_no_keys(size: int) -> None:
    with pytest.raises(ValueError, match=f"{size} bytes, not 32"):
        keys.pod_key(bytes(size), UID)


def test_a_token_names_where_to_look_and_proves_the_pod() -> None:
    token = keys.encode_pod_token(MASTER, namespace="demo", build="hello-1", pod_uid=UID)
    assert token == f"demo/hello-1/{UID}.{keys.pod_key(MASTER, UID)}"
    found = keys.verify_pod_token(MASTER, token)
    assert found is not None
    assert (found.namespace, found.build, found.pod_uid) == ("demo", "hello-1", UID)


def test_a_token_of_another_master_key_is_not_valid() -> None:
    token = keys.encode_pod_token(MASTER, namespace="demo", build="hello-1", pod_uid=UID)
    assert keys.verify_pod_token(bytes(32), token) is None
    assert keys.parse_pod_token(token) is not None


KEY = "0" * 64


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="nothing"),
        pytest.param(KEY, id="key alone"),
        pytest.param(f"demo/hello-1/{UID}", id="no key"),
        pytest.param(f"demo/{UID}.{KEY}", id="no build"),
        pytest.param(f"demo/hello-1/{UID}.{KEY}\n", id="line feed at the end"),
        pytest.param(f"demo/hello-1/{UID}.{KEY.upper().replace('0', 'A')}", id="upper case"),
        pytest.param(f"demo/../hello/{UID}.{KEY}", id="path upwards"),
        pytest.param(f"de mo/hello-1/{UID}.{KEY}", id="space"),
        pytest.param(f"demo/hello%2f-1/{UID}.{KEY}", id="escaped slash"),
        pytest.param(f"demo/hello-1/{'x' * 65}.{KEY}", id="uid too long"),
        pytest.param(f"{'x' * 64}/hello-1/{UID}.{KEY}", id="namespace too long"),
    ],
)
def test_what_has_not_the_shape_of_a_token_is_none(token: str) -> None:
    assert keys.parse_pod_token(token) is None


@given(st.text())
def test_no_text_whatever_breaks_the_parser(text: str) -> None:
    assert keys.verify_pod_token(MASTER, text) is None


@pytest.mark.parametrize("changed", range(0, 64, 7))
def test_a_key_with_one_digit_changed_is_no_key(changed: int) -> None:
    key = keys.pod_key(MASTER, UID)
    digit = "0" if key[changed] != "0" else "1"
    assert keys.is_pod_key(MASTER, UID, key)
    assert not keys.is_pod_key(MASTER, UID, key[:changed] + digit + key[changed + 1 :])


def test_a_key_is_not_shown_by_its_token() -> None:
    token = keys.parse_pod_token(f"demo/hello-1/{UID}.{KEY}")
    assert KEY not in repr(token)


def test_a_prompts_hash_is_that_of_its_utf8_bytes() -> None:
    assert keys.prompt_sha256("grüße") == hashlib.sha256("grüße".encode()).hexdigest()
    assert keys.prompt_sha256("") == hashlib.sha256(b"").hexdigest()
