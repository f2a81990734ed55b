"""Lines that are too long for the terminal's line mode are refused before anything is typed.

Real programs behind the real taskyard-init and sidecar; each test names the case that it holds.
"""

from __future__ import annotations

from unit.sidecar.pod import SHELL, Pod, until
from unit.sidecar.terminal.agent import DASH, said, start, waits_for_input


def test_prompt_with_a_line_that_line_mode_cuts_is_refused_before_anything_is_typed(pod: Pod) -> None:
    """T1"""
    start(pod, *DASH, prompt=f"printf %s '{'x' * 5000}' | wc -c; echo THE-END")
    until("the refusal", lambda: pod.gateway.last_report.get("state") == "failure")
    message = pod.gateway.last_report["message"]
    assert "line 1" in message and "4,095" in message
    assert "prompt_sha256" not in pod.gateway.last_report
    assert pod.post("echo next").json() == {"ok": True}
    pod.until_stable()
    assert pod.contents()[-1] == ("agent", "next")
    assert "xxx" not in said(pod)


def test_message_with_a_line_that_line_mode_cuts_is_refused_and_the_longest_one_arrives(pod: Pod) -> None:
    """T1"""
    start(pod, *DASH)
    pod.until_stable()
    too_long = pod.post("echo short\n" + "echo " + "字" * 1400)
    assert too_long.status_code == 422
    assert "line 2" in too_long.text and "4,205" in too_long.text
    whole = f"printf %s '{'x' * (4095 - len('''printf %s '' | wc -c'''))}' | wc -c"
    assert len(whole) == 4095
    assert pod.post(whole).json() == {"ok": True}
    pod.until_stable()
    assert pod.contents()[-1] == ("agent", str(whole.count("x")))


def test_long_line_arrives_whole_where_the_program_edits_lines_itself(pod: Pod) -> None:
    """T1"""
    start(pod, *SHELL)
    pod.until_stable()
    assert pod.post(f"printf %s '{'x' * 5000}' | wc -c").json() == {"ok": True}
    pod.until_stable()
    assert pod.contents()[-1] == ("agent", "5000")


def test_refused_prompt_is_told_after_a_question_that_came_first(pod: Pod) -> None:
    """T1"""
    start(pod, "dash", "-c", "stty -echo; read -r x; stty echo; exec dash -i", prompt="echo " + "x" * 5000)
    pod.post("hunter2", answers=waits_for_input(pod)["id"])
    until("the refusal", lambda: pod.gateway.last_report.get("state") == "failure")
    assert "4,095" in pod.gateway.last_report["message"]


def test_refused_prompt_is_not_typed_once_the_conversation_has_gone_on(pod: Pod) -> None:
    """T1: a new sidecar does not find that the program of now could take it."""
    start(pod, *DASH, prompt="echo " + "x" * 5000)
    until("the refusal", lambda: pod.gateway.last_report.get("state") == "failure")
    pod.post("exec bash --norc --noprofile -i")
    pod.until_stable()
    pod.kill_sidecar()
    pod.start_sidecar()
    pod.until_stable()
    assert pod.post("echo on").json() == {"ok": True}
    pod.until_stable()
    assert [content for role, content in pod.contents() if role == "user"] == [
        "exec bash --norc --noprofile -i",
        "echo on",
    ]


def test_answer_that_line_mode_cuts_is_refused_before_anything_is_typed(pod: Pod) -> None:
    """T1"""
    start(pod, *SHELL)
    pod.until_stable()
    pod.post("sh -c 'read -r l; echo ${#l}'")
    question = waits_for_input(pod)
    refused = pod.post("x" * 5000, answers=question["id"])
    assert refused.status_code == 422 and "4,095" in refused.text
    assert pod.post("x" * 4095, answers=question["id"]).json() == {"ok": True}
    pod.until_stable()
    assert pod.contents()[-1] == ("agent", "4095")


def test_keys_that_line_mode_cuts_are_refused_before_any_is_pressed(pod: Pod) -> None:
    """T1"""
    start(pod, *DASH)
    pod.until_stable()
    refused = pod.post("printf %s '" + "x" * 5000, kind="raw")
    assert refused.status_code == 422
    assert "4,095" in refused.text and "Enter" in refused.text
    too_long = pod.post("echo a\r" + "字" * 1400, kind="raw")
    assert too_long.status_code == 422 and "line 2" in too_long.text
    assert "xx" not in pod.screen() and "字" not in pod.screen() and "echo" not in pod.screen()
    whole = f"printf %s '{'x' * 4075}' | wc -c"
    assert len(whole) == 4095
    assert pod.post(whole + "\r", kind="raw").json() == {"ok": True}
    until("the line", lambda: "\n4075" in pod.screen())


def test_keys_and_messages_count_what_was_pressed_without_enter(pod: Pod) -> None:
    """T1: the kernel cuts the line, not the input."""
    start(pod, *DASH)
    pod.until_stable()
    begun = "echo " + "x" * 2995
    assert pod.post(begun, key="first", kind="raw").json() == {"ok": True}
    refused = pod.post("y" * 3000, kind="raw")
    assert refused.status_code == 422 and "after 3,000 that stand there" in refused.text
    assert pod.post(begun, key="first", kind="raw").json() == {"ok": True}
    pod.until_stable()
    said_too = pod.post("z" * 3000)
    assert said_too.status_code == 422 and "after 3,000" in said_too.text
    assert pod.post(" | wc -c\r", kind="raw").json() == {"ok": True}
    until("the line", lambda: "\n2996" in pod.screen())
    assert "yy" not in pod.screen() and "zz" not in pod.screen()


def test_long_keys_arrive_whole_where_the_program_takes_keys(pod: Pod) -> None:
    """T1"""
    start(pod, *SHELL)
    pod.until_stable()
    assert pod.post("printf %s '" + "x" * 5000 + "' | wc -c\r", kind="raw").json() == {"ok": True}
    until("the answer", lambda: "\n5000" in pod.screen())
