import io
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.console import Console, printable


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Ascii(io.StringIO):
    encoding = "ascii"


@given(st.text())
def test_printable_text_holds_no_control_character_and_keeps_its_length(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert all(ord(c) >= 0x20 and not 0x7F <= ord(c) < 0xA0 for c in shown)
    shown.encode("utf-8")


def test_a_story_line_carries_the_elapsed_time() -> None:
    out, clock = io.StringIO(), Clock()
    console = Console(out, clock=clock)
    clock.now = 75
    console.story("version 1 is active")
    assert out.getvalue() == "[1:15] version 1 is active\n"


def test_long_lines_into_a_file_are_neither_cut_nor_wrapped() -> None:
    out = io.StringIO()
    Console(out).story("word " * 100 + "end")
    assert out.getvalue().count("\n") == 1
    assert out.getvalue().endswith("end\n")


def test_hostile_text_is_shown_as_text() -> None:
    out = io.StringIO()
    console = Console(out)
    console.story("a\x1b[2J[bold]b[/bold] :smile:")
    console.table("[red]t", ["[i]c"], [["\x07x[/i]"]])
    text = out.getvalue()
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]b[/bold] :smile:" in text
    assert all(part in text for part in ("[red]t", "[i]c", "x[/i]"))


@pytest.mark.parametrize("variable", ["FORCE_COLOR", "TTY_COMPATIBLE"])
def test_a_file_gets_no_control_characters_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    out = io.StringIO()
    with Console(out) as console:
        console.story("begun")
        console.progress("feeding", 1, 2)
        console.table("t", ["c"], [[1]])
    assert "\x1b" not in out.getvalue()
    assert "\r" not in out.getvalue()


def test_plain_progress_is_told_at_the_start_rarely_between_and_at_the_end() -> None:
    out, clock = io.StringIO(), Clock()
    with Console(out, clock=clock) as console:
        for done in range(101):
            clock.now = done * 0.25
            console.progress("training", done, 100)
        console.progress("training", 100, 100)
    assert [line.split(": ", 1)[1] for line in out.getvalue().splitlines()] == [
        "0 of 100 (0 %)", "40 of 100 (40 %)", "80 of 100 (80 %)", "100 of 100 (100 %)",
    ]  # fmt: skip


def test_what_a_plain_bar_reached_last_is_told_at_the_end() -> None:
    out = io.StringIO()
    with Console(out, clock=Clock()) as console:
        console.progress("decided", 0)
        console.progress("decided", 1234)
    assert out.getvalue().splitlines()[-1] == "[0:00] decided: 1,234"


def test_finish_tells_a_plain_bar_once() -> None:
    out = io.StringIO()
    with Console(out, clock=Clock()) as console:
        console.progress("training", 5, 5)
        console.finish("training")
        console.finish("training")
    assert out.getvalue() == "[0:00] training: 5 of 5 (100 %)\n"


def test_an_empty_total_is_no_division_by_zero() -> None:
    out = io.StringIO()
    Console(out).progress("feeding", 0, 0)
    assert "0 of 0" in out.getvalue()


def test_silent_prints_nothing() -> None:
    out = io.StringIO()
    with Console(out, silent=True) as console:
        console.story("x")
        console.progress("p", 1, 2)
        console.finish("p")
        console.table("t", ["c"], [["v"]])
    assert out.getvalue() == ""


def test_letters_that_the_stream_lacks_become_question_marks() -> None:
    out = Ascii()
    console = Console(out)
    console.story("größer → besser")
    console.table("Ü", ["ä"], [["ß"]])
    out.getvalue().encode("ascii")
    assert "gr??er ? besser" in out.getvalue()


def test_a_terminal_shows_live_bars_and_its_cursor_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    out = Terminal()
    with Console(out) as console:
        console.progress("feeding", 3, 10)
        console.progress("decided", 2)
        console.story("round 1 fired")
        console.progress("feeding", 10, 10)
        console.finish("feeding")
        console.close()
    text = out.getvalue()
    assert "round 1 fired" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def test_no_color_is_respected_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    with Console(out) as console:
        console.progress("feeding", 3, 10)
        console.story("begun")
    assert "\x1b[3" not in out.getvalue()


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    out = Terminal()
    with Console(out) as console:
        console.progress("feeding", 3, 10)
    assert out.getvalue() == "[0:00] feeding: 3 of 10 (30 %)\n"


def test_many_threads_may_tell_at_once() -> None:
    out = io.StringIO()
    console = Console(out)

    def tell(name: str) -> None:
        for i in range(50):
            console.story(f"{name} {i}")
            console.progress(name, i, 50)

    threads = [threading.Thread(target=tell, args=(f"t{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = out.getvalue().splitlines()
    assert sum(" of " not in line for line in lines) == 200
    assert all(line.startswith("[") for line in lines)
