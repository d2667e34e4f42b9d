import logging

import pytest

from bots import logs

LOGGER = logging.getLogger("bench.anything")


@pytest.fixture(autouse=True)
def usual():
    yield
    for name in logs.PACKAGES:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.setLevel(logging.NOTSET)


def told(verbosity, capsys) -> list[str]:
    logs.start(verbosity)
    for say in (LOGGER.debug, LOGGER.info, LOGGER.warning):
        say("%s", say.__name__)
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err.splitlines()


def test_verbosity_says_what_is_shown(capsys):
    assert told(-1, capsys) == ["warning"]
    assert told(0, capsys) == ["info", "warning"]
    lines = told(1, capsys)
    assert [line.split("bench.anything: ")[1] for line in lines] == ["debug", "info", "warning"]
    assert told(0, capsys) == ["info", "warning"]


def test_other_packages_are_left_alone(capsys):
    logs.start(1)
    logging.getLogger("somebody.else").info("noise")
    assert capsys.readouterr().err == ""


def test_another_verbosity_is_refused():
    with pytest.raises(ValueError, match="verbosity is 2"):
        logs.start(2)
