"""README and docs: every command exists with its options, every link leads somewhere."""

import importlib
import re
import shlex
import subprocess
from pathlib import Path

import pytest

import lowrecall

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MOST_LINES = {README: 300}
PACKAGES = ("preprocess", "information_retrieval", "captioning", "error_analysis")


def shell_lines() -> list[str]:
    """The lines of all bash blocks, and the commands in running text, continued lines joined."""
    lines = []
    for page in PAGES:
        text = page.read_text("utf-8")
        blocks = re.findall(r"^ *```bash\n(.*?)```", text, flags=re.DOTALL | re.MULTILINE)
        lines += "\n".join(blocks).replace("\\\n", " ").splitlines()
        spans = re.findall(r"`((?:python -m|lowrecall|bash setup\.sh) .*?)`", text, re.DOTALL)
        lines += [" ".join(span.split()) for span in spans]
    return [line.strip() for line in lines if line.strip()]


def module_commands() -> list[list[str]]:
    """The words of each `python -m ...` (or torchrun ... -m ...) command."""
    return [shlex.split(line, comments=True) for line in shell_lines() if " -m " in line]


@pytest.mark.parametrize("words", module_commands(), ids=" ".join)
def test_a_command_exists_with_its_options(words, run_main, capsys):
    module, *rest = words[words.index("-m") + 1 :]
    if module == "pytest":
        return
    everything = "--help_all" if module.endswith(".train") else "--help"
    assert run_main(importlib.import_module(module).main, everything) == 0
    options = set(re.findall(r"--\w+", capsys.readouterr().out))
    assert {word for word in rest if word.startswith("--")} <= options | {"--help"}


def test_there_are_commands_to_check():
    assert len(module_commands()) > 40


def test_lowrecall_is_shown_with_commands_that_there_are():
    shown = [shlex.split(line) for line in shell_lines() if line.startswith("lowrecall ")]
    assert shown
    for words in shown:
        assert words[1] in lowrecall.commands()


def test_setup_is_shown_with_verbs_and_options_that_there_are():
    usage = subprocess.run(
        ["bash", "setup.sh", "--help"], capture_output=True, text=True, cwd=ROOT, check=True
    ).stdout
    known = set(re.findall(r"--\w+", usage))
    shown = [
        shlex.split(line, comments=True) for line in shell_lines() if line.startswith("bash setup")
    ]
    assert len(shown) > 5
    for words in shown:
        assert words[2] in ("demo", "test", "coco", "flickr30k", "vizwiz")
        if words[2] != "test":
            assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_pictures_and_headings_lead_somewhere(page):
    text = page.read_text("utf-8")
    for target, heading in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", text):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.*)$", file.read_text("utf-8"), flags=re.MULTILINE)
            anchors = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]
            assert heading in anchors, heading


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_short(page):
    assert len(page.read_text("utf-8").splitlines()) <= MOST_LINES.get(page, 250)


def test_every_page_is_on_the_front_page():
    front = README.read_text("utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        linked = f"docs/{page.name}" in front
        assert linked or page.name == "verdicts.md", page


def test_the_house_shows_every_room():
    front = README.read_text("utf-8")
    tree = front[front.index("## The house") : front.index("## Licence")]
    for package in PACKAGES:
        for room in (ROOT / package).rglob("__init__.py"):
            assert f"{room.parent.name}/" in tree, room


def test_files_that_pages_name_are_there():
    pattern = rf"`((?:{'|'.join(PACKAGES)})/\S+?)`"
    for page in PAGES:
        for name in re.findall(pattern, page.read_text("utf-8")):
            assert (ROOT / name).exists(), f"{page.name}: {name}"


def test_what_moved_is_where_the_page_says():
    text = (ROOT / "docs" / "moved.md").read_text("utf-8")
    modules, names = text.split("What left a command")
    for _, room, moved in re.findall(r"^\| `(\S+)` \| `(\S+)` \| (.*) \|$", modules, re.MULTILINE):
        for name in re.findall(r"`([^`]+)`", moved):
            module = f"{room}.{name.rpartition(' -> ')[2]}"
            assert importlib.util.find_spec(module), module
    rows = re.findall(r"^\| `(\S+)` \| `([\w.]+)` \| (.*) \|$", names, re.MULTILINE)
    for _, module, moved in rows:
        for name in re.findall(r"`([^`]+)`", moved):
            assert hasattr(importlib.import_module(module), name), f"{module}.{name}"
