"""What a program asks is told in its own words, as its terminal shows them, and never what is typed without echo.

Real programs behind the real taskyard-init and sidecar.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from unit.sidecar.pod import SHELL, Pod, until
from unit.sidecar.terminal.agent import DASH, asks, start, starting, waits_for_input


@pytest.mark.parametrize(
    ("command", "words"),
    [
        pytest.param(
            "bash -c 'read -p \"Really delete? \" x'", 'bash waits for input: "Really delete?"', id="a job of the shell"
        ),
        pytest.param("read -p 'Name? ' x", 'bash waits for input: "Name?"', id="the shell itself"),
        pytest.param(
            "python3 -c 'input(\"Overwrite /srv/data [y/N]? \")'",
            'python3 waits for input: "Overwrite /srv/data [y/N]?"',
            id="input of python",
        ),
        pytest.param(
            "sh -c 'echo \"Which colour?\"; read -r x'", 'sh waits for input: "Which colour?"', id="a line of its own"
        ),
        pytest.param("sh -c 'sleep 1; read -r x'", "sh waits for input", id="no words"),
        pytest.param(
            "echo > it; rm -i it", "rm waits for input: \"rm: remove regular file 'it'?\"", id="a usual program"
        ),
        pytest.param(
            "seq 9 > numbers; less numbers", 'less waits for input: "numbers (END)"', id="a pager on its own screen"
        ),
        pytest.param("vim -u NONE -n numbers", "vim waits for input", id="an editor"),
        pytest.param(
            "python3 -c 'import getpass; getpass.getpass(\"Passphrase of the key: \")'",
            "python3 waits for input without echo",
            id="a password",
        ),
        pytest.param("read -s -p 'PIN: ' x", "bash waits for input without echo", id="a password of the shell"),
    ],
)
def test_question_has_the_words_of_the_program(pod: Pod, command: str, words: str) -> None:
    start(pod, *SHELL, environment={"TERM": "xterm", "LESS": ""})
    pod.until_stable()
    pod.post(command)
    question = waits_for_input(pod)
    assert question["text"] == words
    until("the state", lambda: pod.gateway.last_report["message"].startswith(f"Asks: {question['text'][:100]}"))


def test_next_question_has_another_id_and_what_is_typed_does_not_change_it(pod: Pod) -> None:
    start(pod, *SHELL)
    pod.until_stable()
    pod.post('bash -c \'read -p "Delete one? " a; read -p "Delete two? " b; echo "got $a $b"\'')
    first = waits_for_input(pod)
    pod.post("ye", kind="raw")
    until("what was typed", lambda: "Delete one? ye" in pod.screen())
    time.sleep(3)
    assert waits_for_input(pod) == first
    pod.post("s", answers=first["id"])
    second = until("the second", lambda: (found := asks(pod)) and found["id"] != first["id"] and found)
    assert second["text"] == 'bash waits for input: "Delete two?"'
    assert pod.post("yes", answers=first["id"]).status_code == 422
    pod.post("no", answers=second["id"])
    pod.until_stable()
    assert "got yes no" in pod.screen()


def test_restart_of_the_sidecar_changes_no_id(pod: Pod) -> None:
    start(pod, *SHELL)
    pod.until_stable()
    pod.post("sh -c 'echo \"Which colour?\"; read -r x'")
    asked = waits_for_input(pod)
    pod.kill_sidecar()
    pod.gateway.reports.clear()
    pod.start_sidecar()
    again = until("the question", lambda: bool(pod.gateway.reports) and asks(pod))
    assert again == {**asked, "text": "sh waits for input"}


SECRET = "sk-12345"


@pytest.mark.parametrize(
    ("command", "prompt", "keys"),
    [
        pytest.param("python3 -c 'input(\"API key: \")'", "API key:", SECRET, id="before the first look"),
        pytest.param("cat > env", "cat > env", f"A=1\rTOKEN={SECRET}\r", id="several lines"),
        pytest.param("python3 -q", ">>>", f"token='{SECRET}'", id="key mode"),
        pytest.param("cat > env", "cat > env", "x" * 3000 + SECRET, id="many rows"),
    ],
)
def test_keys_are_in_no_question(pod: Pod, command: str, prompt: str, keys: str) -> None:
    start(pod, *SHELL, environment={"TERM": "xterm"})
    pod.until_stable()
    pod.post(command)
    until("the prompt", lambda: prompt in pod.screen().splitlines()[-1])
    pod.post(keys, kind="raw")
    until("what was typed", lambda: SECRET in pod.screen())
    time.sleep(2.5)
    assert waits_for_input(pod)["text"].endswith(" waits for input")
    assert SECRET not in str(pod.gateway.reports)


def test_restart_while_a_line_is_half_typed_shows_nothing_of_it_and_changes_no_id(pod: Pod) -> None:
    start(pod, *SHELL)
    pod.until_stable()
    pod.post("python3 -c 'input(\"API key: \")'")
    asked = waits_for_input(pod)
    assert asked["text"] == 'python3 waits for input: "API key:"'
    pod.post(SECRET, kind="raw")
    until("what was typed", lambda: SECRET in pod.screen())
    pod.kill_sidecar()
    pod.gateway.reports.clear()
    pod.start_sidecar()
    again = until("the question", lambda: bool(pod.gateway.reports) and asks(pod))
    assert again == {**asked, "text": "python3 waits for input"}
    assert SECRET not in str(pod.gateway.reports)
    assert pod.post("6", answers=asked["id"]).json() == {"ok": True}


@pytest.mark.parametrize(
    "command",
    [
        pytest.param('while :; do printf "\\r%s q to quit" $SECONDS; read -rsn1 -t 3 x; done', id="a clock"),
        pytest.param('while :; do read -t 3 -p "[$SECONDS s] Continue? " x && break; echo; done', id="a countdown"),
    ],
)
def test_clock_in_a_prompt_makes_one_question(pod: Pod, command: str) -> None:
    start(pod, *SHELL, environment={"TERM": "xterm"})
    pod.until_stable()
    pod.post(f"bash -c '{command}'")
    asked = waits_for_input(pod)
    time.sleep(7)
    shown = [found for report in pod.gateway.reports if (found := report.get("question"))]
    assert [found for found in shown if found != asked] == []
    assert until("the question", lambda: asks(pod)) == asked
    assert pod.post("y", answers=asked["id"]).json() == {"ok": True}


def test_long_message_that_the_shell_wraps_is_none_of_the_words(pod: Pod) -> None:
    start(pod, *SHELL, environment={"TERM": "xterm"})
    pod.until_stable()
    pod.post("cat > env # " + "words " * 30)
    assert waits_for_input(pod)["text"] == "cat waits for input"


def test_question_while_the_rest_of_a_message_waits_has_words_too(pod: Pod) -> None:
    start(pod, *DASH)
    pod.until_stable()
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(pod.post, "sh -c 'printf \"Really? \"; read -r x; echo got $x'\necho later")
        question = waits_for_input(pod)
        assert question["text"] == 'sh waits for input: "Really?"'
        assert pod.post("yes", answers=question["id"]).json() == {"ok": True}
        assert sent.result().json() == {"ok": True}


def test_agent_that_is_never_ready_is_told_of_with_the_last_line_of_its_screen(pod: Pod) -> None:
    start(
        pod,
        "bash",
        "-c",
        'echo "npm error: registry.example does not answer"; sleep 60',
        prompt="the prompt",
        TASKYARD_START_TIMEOUT="3",
    )
    found = until("the reason", lambda: starting(pod).get("reason") and starting(pod))
    assert found["reason"] == "NotReading"
    assert found["message"].endswith('was then: "npm error: registry.example does not answer"')
