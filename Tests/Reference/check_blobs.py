#!/usr/bin/env python3
"""Checks every blob of a model store with other people's programs.

usage: check_blobs.py STORE_DIR

Each file of STORE_DIR/blobs must hold the bytes that its name says (SHA-256, hashlib) and be opened
by the safetensors package. Prints one line a blob; exits 1 when one fails, 2 on wrong usage.
"""

import hashlib
import sys
from pathlib import Path

from safetensors import SafetensorError, safe_open


def problem(path: Path) -> str | None:
    """What is wrong with a blob; None when nothing is."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    name = path.parent.name + path.stem
    if digest != name:
        return f"its SHA-256 is {digest}, its name says {name}"
    try:
        with safe_open(path, framework="numpy") as tensors:
            for key in tensors.keys():
                tensors.get_tensor(key)
    except SafetensorError as error:
        return f"safetensors cannot read it: {error}"
    return None


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(sys.argv[1]) / "blobs"
    if not folder.is_dir():
        print(f"{folder} is no directory: name a model store", file=sys.stderr)
        return 2
    paths = sorted(folder.glob("*/*.safetensors"))
    failures = 0
    for path in paths:
        found = problem(path)
        failures += found is not None
        print(f"{path.relative_to(folder)}: {found or 'intact'}")
    print(f"{len(paths)} blobs, {failures} damaged")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
