from __future__ import annotations

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskyard.sidecar.http import multipart
from taskyard.sidecar.http.multipart import FileParser, MultipartError, safe_name

B = b"sep"


def parse(body: bytes, sizes: list[int] | None = None, boundary: bytes = B) -> tuple[FileParser, bytes]:
    parser, content, at = FileParser(boundary), b"", 0
    for size in sizes or []:
        content += parser.feed(body[at : at + size])
        at += size
    return parser, content + parser.feed(body[at:])


@settings(deadline=None)
@given(
    st.binary(max_size=300) | st.lists(st.sampled_from([b"\r", b"\n", b"--sep", b"\r\n--", b"-", b"x"])).map(b"".join),
    st.lists(st.integers(1, 20), max_size=40),
)
def test_the_file_comes_out_as_it_went_in_however_it_arrives(content: bytes, sizes: list[int]) -> None:
    if b"\r\n--sep" in b"\r\n" + content + b"\r\n":
        return
    head = b'Content-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n'
    other = b'--sep\r\nContent-Disposition: form-data; name="x"\r\n\r\nfile\r\n'
    body = other + b"--sep\r\n" + head + content + b"\r\n--sep--\r\nepilogue"
    parser, found = parse(body, sizes)
    assert (found, parser.filename, parser.finished) == (content, "a.txt", True)


@pytest.mark.parametrize("name", ["a.txt", "ä ö.txt", 'quo"te.txt', "semi;colon.txt"])
def test_the_form_of_a_client_library_is_parsed(name: str) -> None:
    request = httpx.Request("POST", "http://x/", data={"a": "b"}, files={"file": (name, b"content")})
    parser, content = parse(request.read(), boundary=multipart.boundary(request.headers["Content-Type"]))
    assert content == b"content"
    assert parser.filename == name.replace('"', "%22")


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        pytest.param('form-data; name="file"', "file", id="no file name"),
        pytest.param("form-data; name=file; filename=plain", "plain", id="unquoted"),
        pytest.param("form-data; name=\"file\"; filename*=UTF-8''%C3%A4.txt; filename=x", "ä.txt", id="extended"),
        pytest.param('FORM-DATA; NAME="file"; FILENAME="a\\"b"', 'a"b', id="escaped quote"),
    ],
)
def test_file_names_come_in_several_spellings(disposition: str, name: str) -> None:
    body = b"--sep\r\nContent-Disposition: " + disposition.encode() + b"\r\n\r\nx\r\n--sep--"
    parser, content = parse(body)
    assert (parser.filename, content) == (name, b"x")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            b'--sep\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--sepx\r\n',
            id="boundary is followed by text",
        ),
        pytest.param(b"--sep" + b" " * 300, id="boundary does not end"),
        pytest.param(b"--sep\r\n" + b"x" * 9000, id="head does not end"),
        pytest.param(b"--sep\r\n\r\n\r\n" * 17, id="too many parts"),
        pytest.param(b'--sep\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n' * 2, id="two files"),
    ],
)
def test_malformed_forms_are_refused(body: bytes) -> None:
    with pytest.raises(MultipartError):
        parse(body)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([b"--sep", b"\r\n", b"--", b"name=file;", b"Content-Disposition: form-data;", b"\xff"]))
)
def test_no_body_crashes_it_or_makes_it_grow(pieces: list[bytes]) -> None:
    parser = FileParser(B)
    try:
        for piece in pieces:
            parser.feed(piece)
    except MultipartError:
        pass
    assert len(parser._rest) <= multipart.MAX_HEAD_BYTES + 100


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=a"],
)
def test_a_body_without_a_boundary_is_not_a_form(content_type: str) -> None:
    with pytest.raises(MultipartError):
        multipart.boundary(content_type)


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        pytest.param("../../etc/passwd", "passwd", id="path"),
        pytest.param("C:\\temp\\a.txt", "a.txt", id="other system's path"),
        pytest.param("..", "file", id="parent"),
        pytest.param("a\x00\x1b[2J\n.txt", "a[2J.txt", id="control characters"),
        pytest.param("", "file", id="empty"),
        pytest.param("10.00.00\u202fPM.png", "10.00.00\u202fPM.png", id="T8: a space that does not break"),
        pytest.param("می\u200cشود 👩\u200d🚀.txt", "می\u200cشود 👩\u200d🚀.txt", id="T8: joiners"),
        pytest.param("x" * 300 + ".txt", "x" * 196 + ".txt", id="long"),
        pytest.param("ü" * 200, "ü" * 100, id="long in bytes"),
    ],
)
def test_names_are_made_safe(given_name: str, name: str) -> None:
    assert safe_name(given_name) == name


@settings(deadline=None)
@given(st.text(max_size=400))
def test_a_safe_name_is_one_that_taskyard_init_accepts(given_name: str) -> None:
    name = safe_name(given_name)
    assert 0 < len(name.encode()) <= 255
    assert "/" not in name and "\0" not in name and name not in (".", "..")
