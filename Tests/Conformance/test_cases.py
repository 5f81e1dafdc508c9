"""The list of cases and the tests agree."""

from __future__ import annotations

import pytest

from cases import Case, all_cases, files_of_cases, numbers_tested_in, read_cases

pytestmark = pytest.mark.quick


def test_the_cases_are_numbered_without_gaps() -> None:
    assert sorted(all_cases()) == list(range(1, 91))


@pytest.mark.parametrize("case", all_cases().values(), ids=lambda case: f"C{case.number:02}")
def test_a_case_is_checked_where_the_list_says_or_says_why_not(case: Case) -> None:
    files = files_of_cases().get(case.number, set())
    if case.reason is None:
        assert files, f"C{case.number:02} has no test: write one, or the reason into CASES.md"
    assert files == case.files, f"C{case.number:02}: correct its row in CASES.md"


def test_every_test_is_of_a_case_in_the_list() -> None:
    assert set(files_of_cases()) <= set(all_cases())


def test_a_test_that_is_always_skipped_does_not_count() -> None:
    source = """
@pytest.mark.skip(reason="later")
def test_c01_later(): ...
def test_c02_never(): pytest.skip("never")
@pytest.mark.xfail
def test_c03_wrong(): ...
@pytest.mark.quick
def test_c04_now(): assert True
@pytest.mark.skipif(sys.platform != "linux")
def test_c05_here(): assert True
"""
    assert numbers_tested_in(source) == {4, 5}


def test_a_row_names_files_or_a_reason() -> None:
    text = "| C07 | what | `raw/a.py`, `raw/b.py` |\n| C08 | else | *not here*: takes a day |\n"
    seven, eight = read_cases(text).values()
    assert (seven.files, seven.reason) == ({"raw/a.py", "raw/b.py"}, None)
    assert (eight.files, eight.reason) == (frozenset(), "takes a day")
