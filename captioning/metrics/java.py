"""What METEOR and SPICE need beside this project: Java, and the jars in pycocoevalcap's wheel."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

INSTALL = "pip install --no-deps pycocoevalcap==1.2"


class NotComputedError(Exception):
    """A metric cannot be computed here; the message is the reason, and which option helps."""


def java_version(java: str) -> int:
    """Return the major version of a Java program: 17; 8 of what calls itself 1.8.

    Args:
        java: its path, or a name on the PATH.

    Raises:
        NotComputedError: there is no such program, or it does not tell its version.
    """
    told = run_java([java, "-version"]).stderr
    found = re.search(r'version "(?:1\.)?(\d+)', told)
    if not found:
        raise NotComputedError(f"{java} -version tells no version: {_last_line(told)}")
    return int(found[1])


def run_java(
    command: Sequence[str], text: str = "", folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a Java program to its end, in a folder, with a text as its input.

    Raises:
        NotComputedError: there is no Java there, or it fails; with the last line that it wrote.
    """
    java = shutil.which(command[0])
    if java is None:
        raise NotComputedError(
            f"no Java here (no program {command[0]}); install one (apt: default-jre-headless), or "
            "name one by --java"
        )
    # Given as a whole, and both outputs read as a whole: no pipe fills up. The path is absolute, as
    # the folder is another.
    done = subprocess.run(
        [os.path.abspath(java), "-Dfile.encoding=UTF-8", *command[1:]],
        input=text,
        capture_output=True,
        cwd=folder,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise NotComputedError(f"Java failed: {_last_line(done.stderr or done.stdout)}")
    return done


def _last_line(told: str) -> str:
    """Return the line that says most: an exception's own, before where it passed through."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(("at ", "..."))] or ["it wrote nothing"]
    return next((line for line in lines if "Exception" in line or "Error" in line), lines[-1])


def wheel_folder(name: str, file: str) -> Path:
    """Return a folder of pycocoevalcap's wheel, which is never imported: "meteor".

    Raises:
        NotComputedError: the wheel is not installed, or lacks the file.
    """
    found = importlib.util.find_spec("pycocoevalcap")
    for root in (found.submodule_search_locations or []) if found else []:
        if (Path(root) / name / file).is_file():
            return Path(root) / name
    raise NotComputedError(f"{file} of pycocoevalcap is not here; {INSTALL} (104 MB)")
