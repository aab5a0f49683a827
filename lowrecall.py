"""All commands under one name: `lowrecall` lists them, `lowrecall mining ...` runs one.

`python -m error_analysis.mining ...` is the same. Run from a checkout, or from any folder after
`pip install -e .`.
"""

import ast
import difflib
import os
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
# In the order in which data flow.
PACKAGES = ("preprocess", "information_retrieval", "captioning", "error_analysis")


def commands() -> dict[str, str]:
    """Return each command's module by its short name: {"mining": "error_analysis.mining"}.

    A name that an earlier package has is taken: captioning.evaluate is called by its whole name.
    """
    found: dict[str, str] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).glob("*.py")):
            module = f"{package}.{path.stem}"
            if path.stem not in ("__init__", "arguments"):
                found[module if path.stem in found else path.stem] = module
    return found


def summary(module: str) -> str:
    """Return the first sentence of a command's docstring, without importing it."""
    source = (ROOT / f"{module.replace('.', '/')}.py").read_text("utf-8")
    docstring = ast.get_docstring(ast.parse(source)) or ""
    return " ".join(docstring.partition("\n\n")[0].split())


def listing() -> str:
    """Return the commands with a line each, by package."""
    lines = ["usage: lowrecall COMMAND [options]      lowrecall COMMAND --help", ""]
    package = ""
    for name, module in commands().items():
        if not module.startswith(f"{package}."):
            package = module.partition(".")[0]
            lines += [f"{package}:"]
        lines.append(f"  {name:19} {summary(module)}")
    return "\n".join(lines)


def main() -> None:
    known = commands()
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help", "help"):
        try:
            print(listing(), flush=True)
        except BrokenPipeError:  # `| head` has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    # A short name, or a module's.
    modules = {module: short for short, module in known.items()}
    name = modules.get(sys.argv[1], sys.argv[1])
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else "`lowrecall` lists the commands"
        sys.exit(f"error: unknown command {sys.argv[1]}; {hint}")
    sys.argv[:2] = [f"lowrecall {name}"]
    runpy.run_module(known[name], run_name="__main__", alter_sys=False)


if __name__ == "__main__":
    main()
