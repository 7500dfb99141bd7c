import pytest

from genelight._core.registry import Registry
from genelight.errors import UnknownNameError


@pytest.fixture
def greetings():
    registry = Registry("greeting")

    @registry.register("hello", doi="10.1/hello")
    def hello():
        """Say hello.

        More about it.
        """

    @registry.register("silence", control=True)
    def silence(): ...

    return registry


def test_entries_keep_order_summary_source_and_role(greetings):
    shown = [(e.name, e.summary, e.doi, e.control) for e in greetings.show()]
    assert shown == [("hello", "Say hello.", "10.1/hello", False), ("silence", "", "", True)]
    assert list(greetings) == ["hello", "silence"]
    assert len(greetings) == 2
    assert "hello" in greetings


def test_a_name_is_registered_once(greetings):
    with pytest.raises(ValueError, match="greeting 'hello' is registered twice"):
        greetings.register("hello")(print)
    assert greetings["hello"] is not print


def test_an_unknown_name_says_what_may_have_been_meant(greetings):
    with pytest.raises(UnknownNameError, match="unknown greeting 'helo'; did you mean 'hello'"):
        greetings["helo"]
