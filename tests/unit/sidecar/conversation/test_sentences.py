"""A11: the state's message is the last sentence of the answer, without frames."""

# ruff: noqa: RUF001 - the punctuation of Chinese and Japanese

from __future__ import annotations

import re
import textwrap

import pytest

from taskyard.sidecar.conversation import sentences
from taskyard.sidecar.emulator import cells

LONG = (
    "The first one is that the cache was never emptied, which explains the numbers. The last sentence of this answer "
    "is longer than a row of the screen, e.g. for a test."
)
LAST = "The last sentence of this answer is longer than a row of the screen, e.g. for a test."


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param("Here it is.\n\nThat is all.", "That is all.", id="last paragraph"),
        pytest.param("● I wrote hello.txt. It has three lines.", "It has three lines.", id="last sentence"),
        pytest.param("✦ Done.", "Done.", id="mark of the program"),
        pytest.param("It failed.\n\n│ the script says so │\n╰────────────╯", "the script says so", id="frame"),
        pytest.param("Which?\n\n│ 1. First\n│ 2. Second\n│", "2. Second", id="last item of a quotation"),
        pytest.param("I ran:\n\n  make test\n  make check", "make check", id="short rows are not joined"),
        pytest.param("完成了。全部测试通过。", "全部测试通过。", id="Chinese"),
        pytest.param('He said "no." Then it ended', "Then it ended", id="no mark at the end"),
        pytest.param("see https://example.org/a.b?c=d", "see https://example.org/a.b?c=d", id="link"),
        pytest.param("╭──╮\n╰──╯", "", id="nothing but a frame"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_message_is_the_last_sentence(answer: str, expected: str) -> None:
    """A11"""
    assert sentences.last_sentence(answer, 80) == expected


@pytest.mark.parametrize("width", [52, 68, 75, 79])
@pytest.mark.parametrize("indent", ["", "  "])
def test_rows_of_a_wrapped_sentence_are_joined(width: int, indent: str) -> None:
    """A11"""
    wrapped = textwrap.fill(LONG, width, initial_indent="● ", subsequent_indent=indent)
    assert wrapped.count("\n") >= 2
    assert sentences.last_sentence(f"One.\n\n{wrapped}", 80) == LAST


def test_wrapped_item_of_a_list_is_the_last_sentence() -> None:
    """A11"""
    items = [textwrap.fill(f"- {number} {LONG}", 78, subsequent_indent="  ") for number in ("first", "second")]
    assert sentences.last_sentence("\n".join(items), 80) == LAST


CHINESE = (
    "缓存从来没有被清空过，这就解释了那些数字为什么会一直增长下去，而没有人注意到。"
    "最后一句话比屏幕的一行要长得多，所以程序把它折成了好几行，测试应该看到完整的一句话，中间没有多余的空格。"
)
JAPANESE = (
    "キャッシュは一度も空にされておらず、それが数字が増え続けた理由です。"
    "最後の文は画面の一行よりもずっと長いので、プログラムはそれを何行かに折り返し、テストは空白のない一つの文を見るはずです。"
)
KOREAN = (
    "캐시가 한 번도 비워지지 않았다는 것이 숫자를 설명합니다. 이 답변의 마지막 문장은 화면의 한 줄보다 길어서 "
    "프로그램이 여러 줄로 나누었고 시험은 단어 사이의 빈칸이 있는 전체 문장을 보아야 합니다."
)
MIXED = (
    "我运行了测试。现在 taskyard 的所有测试都在 Kubernetes 1.33 上通过了，包括那些以前因为终端宽度而失败的测试，"
    "剩下的只有一个关于 emoji 的小问题，它不影响 operator 的功能。"
)


def wrapped(text: str, width: int, *, hangs: bool = False) -> str:
    """The text as a program wraps it whose rows may end between any two wide characters, and at blanks; no row begins
    with a mark of punctuation: it stands out, or takes the character before it along.
    """
    rows, row = [], "● "
    for word in re.findall(r"[!-~]+ ?|[^!-~]", text):
        if cells.columns((row + word).rstrip()) <= width or (hangs and word in "，。、"):
            row += word
            continue
        taken = "" if word not in "，。、" else row[-1]
        rows.append(row.removesuffix(taken).rstrip())
        row = "  " + taken + word.lstrip()
    return "\n".join([*rows, row])


@pytest.mark.parametrize("width", [52, 53, 68, 79, 80])
@pytest.mark.parametrize("hangs", [False, True])
@pytest.mark.parametrize("text", [CHINESE, JAPANESE], ids=["Chinese", "Japanese"])
def test_rows_of_wide_characters_are_joined_without_a_blank(text: str, width: int, hangs: bool) -> None:
    """A11, T4: columns are counted, not characters."""
    rows = wrapped(text, width, hangs=hangs)
    assert rows.count("\n") >= 2
    assert sentences.last_sentence(f"好。\n\n{rows}", 80) == text.partition("。")[2]


@pytest.mark.parametrize("width", [52, 67, 78])
def test_rows_of_korean_are_joined_with_a_blank(width: int) -> None:
    """A11, T4: it is wide, and has blanks between its words."""
    rows: list[str] = ["●"]
    for word in KOREAN.split():
        if cells.columns(f"{rows[-1]} {word}") > width:
            rows.append(" ")
        rows[-1] += f" {word}"
    assert len(rows) >= 3
    assert sentences.last_sentence("\n".join(rows), 80) == KOREAN.partition(". ")[2]


@pytest.mark.parametrize("width", [60, 77, 80])
def test_rows_of_mixed_writing_lose_no_letter(width: int) -> None:
    """A11, T4: whether a blank stood between a wide character and a letter is not known."""
    found = sentences.last_sentence(wrapped(MIXED, width), 80)
    assert found.replace(" ", "") == MIXED.partition("。")[2].replace(" ", "")


def test_short_rows_of_wide_characters_are_not_joined() -> None:
    """A11"""
    assert (
        sentences.last_sentence("我运行了：\n  make test\n  短行\n  很长的一行" + "字" * 30, 80)
        == "很长的一行" + "字" * 30
    )
