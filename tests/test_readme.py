"""Every command of the README and of REPRODUCTION.md exists, with the options it is shown with."""

import importlib
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = README + (ROOT / "REPRODUCTION.md").read_text("utf-8")


def commands() -> list[list[str]]:
    """The words of each `python -m ...` (or torchrun) command, in blocks and in running text."""
    blocks = re.findall(r"```bash\n(.*?)```", PAGES, flags=re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    lines += [" ".join(span.split()) for span in re.findall(r"`(python -m .*?)`", PAGES, re.DOTALL)]
    return [shlex.split(line, comments=True) for line in lines if " -m " in line]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_exists_with_its_options(words, run_main, capsys):
    module, *rest = words[words.index("-m") + 1 :]
    assert run_main(importlib.import_module(module).main, "--help") == 0
    options = set(re.findall(r"--\w+", capsys.readouterr().out))
    assert {word for word in rest if word.startswith("--")} <= options


def test_there_are_commands_to_check():
    assert len(commands()) > 8


def test_the_file_tree_names_every_module():
    tree = README[README.index("## File tree") : README.index("## Change one thing")]
    for package in ("preprocess", "information_retrieval", "error_analysis"):
        for path in (ROOT / package).rglob("*.py"):
            assert path.name == "__init__.py" or path.name in tree, path
    benchmarks = tree[tree.index("benchmarks/") : tree.index("tests/")]
    for path in (ROOT / "benchmarks").glob("*.py"):
        assert path.stem in ("__init__", "timing") or path.stem in benchmarks, path


def test_links_to_files_and_pictures_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", PAGES):
        assert (ROOT / target).exists(), target
