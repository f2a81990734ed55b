"""A dialog of a known program is answered once, by whom it asked, and holds back what is for the agent.

Programs that draw as the real ones do, and recordings of these, behind the real taskyard-init and sidecar; each test
names the case that it holds.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from unit.sidecar.pod import Pod, until
from unit.sidecar.terminal.agent import asks
from unit.sidecar.terminal.drawing import draws, keys, replays

NOTHING_MORE = "\nwhile True: key()\n"
SHOWS_A_KEY = r"IFS= read -r -N 1 key; printf '\033[2J\033[Hpressed %q' $key; sleep 600"
QUIET = 1.5  # longer than a menu has to rest before Enter is pressed


def asked(pod: Pod, text: str = "Do you want to proceed?", other_than: str = "") -> dict[str, Any]:
    """The question with that text and another id."""

    def look() -> list[dict[str, Any]]:
        found = asks(pod)
        return [found] if found and found["text"] == text and found.get("id") != other_than else []

    return until("the question", look)[0]


NEXT = [
    pytest.param('spin(1.5); show(menu("npm test"), "\\u25cf ran\\n")', id="after a spinner"),
    pytest.param('spin(1.5); show(menu("npm test"))', id="in the same place"),
    pytest.param('show(menu("npm test"), "\\u25cf ran\\n")', id="at once"),
    pytest.param('show(menu("rm -rf /srv"))', id="at once, another command"),
    pytest.param('show(menu("rm -rf /srv"), "\\u25cf ran\\n")', id="at once, another command below an output"),
]


@pytest.mark.parametrize("then", NEXT)
def test_next_dialog_with_the_same_words_is_another_question_and_stays_unanswered(pod: Pod, then: str) -> None:
    """A2: two tool calls in a row."""
    draws(pod, f'show(menu("npm test"))\nkey()\n{then}{NOTHING_MORE}')
    first = asked(pod)
    assert pod.post("1", answers=first["id"]).json() == {"ok": True}
    second = asked(pod, other_than=first["id"])
    assert second["options"] == first["options"] == [{"id": "1", "name": "Yes"}, {"id": "2", "name": "No"}]
    refused = pod.post("1", answers=first["id"])
    assert refused.status_code == 422 and "not open" in refused.text
    time.sleep(QUIET)
    assert keys(pod) == b"1"
    assert asks(pod) == second


@pytest.mark.parametrize("then", NEXT)
def test_next_dialog_after_keystrokes_is_another_question(pod: Pod, then: str) -> None:
    """A2: keystrokes begin no turn."""
    draws(pod, f'show(menu("npm test"))\nkey()\n{then}{NOTHING_MORE}')
    first = asked(pod)
    pod.post("1", kind="raw")
    asked(pod, other_than=first["id"])
    assert pod.post("1", answers=first["id"]).status_code == 422
    assert keys(pod) == b"1"


def test_dialog_is_one_question_while_what_is_above_it_grows(pod: Pod) -> None:
    """A2: nobody has pressed a key."""
    draws(pod, 'for _ in range(30): show(menu("npm test"), "\\u25cf more\\n"); time.sleep(0.05)' + NOTHING_MORE)
    first = asked(pod)
    until("the output", lambda: pod.screen().count("more") == 30)
    time.sleep(0.5)
    questions = [found for report in pod.gateway.reports if (found := report.get("question"))]
    assert all(found == first for found in questions)
    assert pod.post("no", answers=first["id"]).json() == {"ok": True, "inDoubt": True}
    assert keys(pod) == b"2"


def test_restart_of_the_sidecar_changes_no_id_of_a_dialog(pod: Pod) -> None:
    """A2"""
    draws(pod, f'show(menu("npm test")){NOTHING_MORE}')
    first = asked(pod)
    pod.kill_sidecar()
    pod.gateway.reports.clear()
    pod.start_sidecar(TASKYARD_AGENT_TYPE="claude")
    assert asked(pod) == first


def test_answer_that_a_busy_program_does_not_take_is_in_doubt_after_a_while(pod: Pod) -> None:
    """A5: a screen that never rests holds the answer up for no longer, and no Enter is pressed."""
    draws(pod, 'spin(600, menu("npm test"))')
    began = time.monotonic()
    answered = pod.post("1", answers=asked(pod)["id"])
    assert answered.json() == {"ok": True, "inDoubt": True}
    assert time.monotonic() - began < 14
    assert keys(pod) == b"1"
    assert "still open" in pod.log.read_text()


def test_enter_follows_the_number_where_the_program_wants_it(pod: Pod) -> None:
    """A3: Gemini CLI asks before it reads a file."""
    script = """
show(framed("cat /etc/hostname"))
at = 1
while (pressed := key()) != b"\\r":
    at = int(pressed)
    show(framed("cat /etc/hostname", at))
show(f"\\ntook {at}\\n")
"""
    draws(pod, script + NOTHING_MORE, "gemini")
    question = asked(pod, "Allow execution of [Shell]?")
    assert pod.post("Deny", answers=question["id"]).json() == {"ok": True}
    assert keys(pod) == b"2\r"
    assert "took 2" in pod.screen()


def test_enter_does_not_follow_the_number_into_the_next_dialog(pod: Pod) -> None:
    """A3: a program that takes the number alone, though another version wanted Enter."""
    draws(pod, f'show(framed("ls"))\nkey()\nspin(1)\nshow(framed("ls"), "ran\\n"){NOTHING_MORE}', "gemini")
    first = asked(pod, "Allow execution of [Shell]?")
    assert pod.post("1", answers=first["id"]).json() == {"ok": True}
    asked(pod, "Allow execution of [Shell]?", other_than=first["id"])
    time.sleep(QUIET)
    assert keys(pod) == b"1"


@pytest.mark.parametrize(
    ("name", "text", "number"),
    [
        pytest.param("gemini-permission", "Allow execution of [Shell]?", "3", id="A3: gemini"),
        pytest.param("claude-permission", "Do you want to proceed?", "3", id="claude"),
        pytest.param("codex-login", "Choose how you want to use Codex.", "2", id="codex"),
    ],
)
def test_menu_of_a_real_agent_is_answered_by_id(pod: Pod, name: str, text: str, number: str) -> None:
    """A3"""
    replays(pod, name, "asks", SHOWS_A_KEY)
    question = asked(pod, text)
    refused = pod.post("4 please", answers=question["id"])
    assert refused.status_code == 422 and "one of" in refused.text
    assert pod.post(number, answers=question["id"]).json() == {"ok": True}
    until("the key", lambda: f"pressed {number}" in pod.screen())


@pytest.mark.parametrize(
    ("name", "scene", "text"),
    [
        pytest.param("opencode-permission", "asks", "Permission required", id="buttons"),
        pytest.param("opencode-control", "/help asks", "Help", id="opencode: help"),
        pytest.param("claude-control", "/cost asks", "Settings Status Config Usage Stats", id="claude: cost"),
        pytest.param("codex-control", "/theme asks", "Select Syntax Theme", id="codex: theme"),
        pytest.param("claude-login", "asks", "Not logged in · Run /login", id="claude: no login"),
    ],
)
def test_dialog_that_takes_keys_has_no_id_and_gets_no_text(pod: Pod, name: str, scene: str, text: str) -> None:
    """A2, A5: `no` and Enter would press what the program has chosen beforehand."""
    replays(pod, name, scene, SHOWS_A_KEY)
    assert asked(pod, text) == {"text": text, "options": []}
    refused = pod.post("no", answers="0123456789abcdef")
    assert refused.status_code == 422
    assert "takes keys" in refused.text and "type Raw" in refused.text
    assert "pressed" not in pod.screen()
    pod.post("\x1b", kind="raw")
    until("the key", lambda: r"pressed $'\E'" in pod.screen())


def test_text_that_a_dialog_wants_is_typed_by_id(pod: Pod) -> None:
    """T15, A3: a login that wants a code."""
    script = """
show(CODE)
code = b""
while not code.endswith(b"\\r"): code += key()
show(BOX, "Welcome\\n")
"""
    draws(pod, script + NOTHING_MORE)
    question = asked(pod, "Paste code here if prompted >")
    assert pod.post("abc#def", answers=question["id"]).json() == {"ok": True}
    assert keys(pod) == b"\x1b[200~abc#def\x1b[201~\r"
    pod.until_stable()


OPENS = """
import pathlib
show(BOX)
while not pathlib.Path("opens").exists(): key(0.02)
show({dialog})
while not (pressed := key()).endswith(b"\\r"): pass
show(BOX, "Welcome\\n")
while True: key()
"""


@pytest.mark.parametrize(
    ("dialog", "text", "answer"),
    [
        pytest.param("CODE", "Paste code here if prompted >", "abc", id="free text"),
        pytest.param('menu("npm test")', "Do you want to proceed?", None, id="menu"),
    ],
)
def test_dialog_that_opens_by_itself_holds_a_message_back(pod: Pod, dialog: str, text: str, answer: str | None) -> None:
    """T15"""
    draws(pod, OPENS.format(dialog=dialog))
    pod.until_stable()
    (pod.home / "opens").touch()
    question = asked(pod, text)
    refused = pod.post("rm important.txt")
    assert refused.status_code == 409 and text in refused.text
    until("the state", lambda: pod.gateway.last_report["message"] == f"Asks: {text}")
    time.sleep(QUIET)
    assert keys(pod) == b""
    if answer is not None:
        assert pod.post(answer, answers=question["id"]).json() == {"ok": True}
    else:
        pod.post("\r", kind="raw")
    pod.until_stable()
    assert "important" not in pod.screen()


def test_first_dialog_holds_the_prompt_back(pod: Pod) -> None:
    """T15"""
    (pod.home / "opens").touch()
    draws(pod, OPENS.format(dialog="CODE").replace("show(BOX)\n", "", 1), prompt="the prompt")
    question = asked(pod, "Paste code here if prompted >")
    time.sleep(QUIET)
    assert keys(pod) == b"" and pod.contents() == []
    pod.post("abc", answers=question["id"])
    until("the prompt", lambda: b"the prompt" in keys(pod))


def test_enter_is_not_pressed_at_a_dialog_that_opens_while_a_message_is_pasted(pod: Pod) -> None:
    """T15"""
    draws(pod, f'show(BOX)\nkey()\nshow(menu("npm test")){NOTHING_MORE}')
    pod.until_stable()
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(pod.post, "go on")
        asked(pod)
        assert sent.result().json() == {"ok": True, "inDoubt": True}
    assert keys(pod) == b"\x1b[200~go on\x1b[201~"


@pytest.mark.parametrize("name", ["claude", "codex", "gemini"])
def test_list_that_an_answer_quotes_is_no_question(pod: Pod, name: str) -> None:
    """T15"""
    replays(pod, f"{name}-again", "quote", "read -r line")
    pod.until_stable()
    assert asks(pod) is None
