#!/usr/bin/env python3
"""Puts increments on a whole checkpoint, with Python's safetensors and numpy only.

usage: apply_increments.py WHOLE INCREMENT... [--equals WHOLE]

Prints what the state holds then; with --equals, exits 1 unless it is what that file holds.
"""

import argparse
import sys

import numpy as np
from safetensors.numpy import load_file

# The elements of a list for each row, and how many each row has.
LISTS = {
    "model.users.ids.bytes": "model.users.ids.lengths",
    "model.items.ids.bytes": "model.items.ids.lengths",
    "model.seen.items": "model.seen.counts",
}


def table_of(name):
    """The table whose rows a tensor holds; None for one that is replaced as a whole."""
    if name == "trainer.duplicates.identities":
        return "duplicates"
    if not name.startswith(("model.", "optimizer.", "users.", "items.")):
        return None
    if "users" in name or name.startswith("model.seen."):
        return "users"
    return "items" if any(w in name for w in ("items", "context", "popularity")) else None


def apply(state, increment):
    """The state after an increment; both are dictionaries of arrays by name."""
    for name, before in increment.items():
        if name.startswith("base/"):
            held = state.get(name[5:])  # tensors of the state before, or a table's old size
            if held is None:
                held = [next(len(state[n]) for n in state
                             if table_of(n) == name[5:] and n not in LISTS)]
            assert np.array_equal(before, held), f"{name} is {before}, the state has {held}"
    result = {}
    for name, new in increment.items():
        table = table_of(name)
        if name.startswith(("rows/", "base/", "size/")) or name in LISTS.values():
            continue
        if table is None:
            result[name] = new
            continue
        rows, size = increment[f"rows/{table}"], increment[f"size/{table}"][0]
        if name not in LISTS:
            old = state[name][:size]
            result[name] = np.concatenate([old, np.zeros((size - len(old), *new.shape[1:]), new.dtype)])
            result[name][rows] = new
            continue
        lengths = LISTS[name]
        lists = np.split(state[name], np.cumsum(state[lengths])[:-1])[:size]
        lists += [None] * (size - len(lists))
        for row, elements in zip(rows, np.split(new, np.cumsum(increment[lengths])[:-1])):
            lists[row] = elements
        result[lengths] = np.array([len(elements) for elements in lists], np.int32)
        result[name] = np.concatenate([new[:0], *lists])
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("whole")
    parser.add_argument("increments", nargs="*")
    parser.add_argument("--equals")
    given = parser.parse_args()
    state = load_file(given.whole)
    for path in given.increments:
        state = apply(state, load_file(path))
    for name in sorted(state):
        print(f"{name}: {state[name].dtype} {list(state[name].shape)}")
    if given.equals is None:
        return 0
    expected = load_file(given.equals)
    different = {name for name in {*state, *expected} if name not in state or name not in expected
                 or state[name].tobytes() != expected[name].tobytes()
                 or state[name].shape != expected[name].shape}
    print(f"{len(different)} tensors differ from {given.equals}: {sorted(different)}")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
