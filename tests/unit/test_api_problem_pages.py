"""A refusal is told to people in words, and never as our fault where it is not."""

import pytest

from api import problems
from api.codes import Code
from api.language import CODES, language
from api.pages.render import _told_as
from api.problems import ProblemError


@pytest.mark.parametrize("chosen", CODES)
@pytest.mark.parametrize("code", problems.UNKNOWN)
def test_what_does_not_exist_is_told_as_that(code: Code, chosen: str) -> None:
    assert _told_as(problems.unknown(code), language(chosen).texts) in {code, Code.NOT_FOUND}


@pytest.mark.parametrize("code", Code)
@pytest.mark.parametrize(
    ("status", "other"),
    [
        (404, Code.NOT_FOUND),
        (409, Code.INVALID_PARAMETER),
        (422, Code.INVALID_PARAMETER),
        (500, Code.INTERNAL),
        (503, Code.INTERNAL),
    ],
)
def test_a_code_without_words_of_its_own_has_those_of_its_like(
    code: Code, status: int, other: Code
) -> None:
    problem = ProblemError(status=status, code=code, detail="", way_out="")
    assert _told_as(problem, {f"problem_{code}": "words"}) == code
    assert _told_as(problem, {}) == other
