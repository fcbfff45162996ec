"""Messages are short, whatever a file has put into them."""

from ezsd.pipeline.errors import PipelineError, sentence, shorten, show


def test_a_long_value_loses_its_middle():
    assert shorten("a" * 300) == "a" * 300
    short = shorten("a" * 1_000_000 + " correct it there")
    assert len(short) == 300 and short.startswith("aaa") and short.endswith("correct it there")


def test_a_deep_value_is_shown():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert show(deep) == "[[[[[...]]]]]"
    assert show("cat") == "'cat'"


def test_a_sentence_keeps_what_to_do_and_no_control_characters():
    printed = sentence(PipelineError(f"id {'x' * 1_000_000}\x1b[31m\nis wrong: correct \ud800 it"))
    assert len(printed) < 700 and printed.endswith("is wrong: correct \N{REPLACEMENT CHARACTER} it")
    assert "\x1b" not in printed and "\n" not in printed
    assert len(sentence(PipelineError("many words " * 10_000))) <= 1200
