"""The numbered cases as CASES.md lists them, and the tests that there are for each."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SUITE = Path(__file__).resolve().parent
ROW = re.compile(r"\| C(\d\d) \| (.+) \| (.+) \|")
NOT_HERE = "*not here*: "
TEST_NAME = re.compile(r"test_c(\d\d)_")


@dataclass(frozen=True)
class Case:
    """A row of CASES.md: the files that check it, or the reason why none does."""

    number: int
    text: str
    files: frozenset[str]
    reason: str | None


def read_cases(text: str) -> dict[int, Case]:
    cases: dict[int, Case] = {}
    for number, what, where in ROW.findall(text):
        is_here = not where.startswith(NOT_HERE)
        files = frozenset(re.findall(r"`([^`]+)`", where)) if is_here else frozenset()
        reason = None if is_here else where.removeprefix(NOT_HERE)
        assert int(number) not in cases, f"C{number} has two rows"
        cases[int(number)] = Case(int(number), what, files, reason)
    return cases


def all_cases() -> dict[int, Case]:
    return read_cases((SUITE / "CASES.md").read_text())


def case_number(name: str) -> int | None:
    """The number in a test's name or id."""
    match = TEST_NAME.search(name)
    return int(match[1]) if match else None


def numbers_tested_in(source: str) -> set[int]:
    """Numbers of the tests in a file, but for those that are always skipped."""
    return {
        number
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef)
        and (number := case_number(node.name)) is not None
        and not is_always_skipped(node)
    }


def is_always_skipped(test: ast.FunctionDef) -> bool:
    """By a mark, or by a body that does nothing else."""
    marks = [ast.unparse(mark) for mark in test.decorator_list]
    return any(re.match(r"pytest\.mark\.(skip|xfail)\b(?!if)", mark) for mark in marks) or (
        ast.unparse(test.body[0]).startswith("pytest.skip(")
    )


def files_of_cases() -> dict[int, set[str]]:
    """The files with tests of each case."""
    files: dict[int, set[str]] = {}
    for path in sorted(SUITE.glob("*/test_*.py")):
        for number in numbers_tested_in(path.read_text()):
            files.setdefault(number, set()).add(str(path.relative_to(SUITE)))
    return files


def listed(numbers: Iterable[int]) -> str:
    return " ".join(f"C{number:02}" for number in sorted(numbers))
