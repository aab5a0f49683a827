"""The rules of the house that a program can hold: small rooms, and imports that go one way."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("preprocess", "information_retrieval", "captioning", "error_analysis")
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if path.name != "__init__.py"
}
ROOMS = sorted({path.parent for path in MODULES.values()})
DEMO_ROOMS = sorted({path.parent for path in (ROOT / "demo").rglob("*.py")})
MOST_FILES = 14


def room_of(module: str) -> str:
    return module.rpartition(".")[0]


def is_on_top(module: str) -> bool:
    return module.count(".") == 1


def is_command(module: str) -> bool:
    """All on the top level of a package but the options that its commands share."""
    return is_on_top(module) and not module.endswith(".arguments")


def imports(module: str) -> set[str]:
    """The modules of this project that one imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & MODULES.keys()


@pytest.mark.parametrize("room", ROOMS + DEMO_ROOMS, ids=lambda room: str(room.relative_to(ROOT)))
def test_a_room_is_small_and_says_what_lives_in_it(room):
    files = [path for path in room.glob("*.py") if path.name != "__init__.py"]
    assert len(files) <= MOST_FILES or room.parent == ROOT  # the commands of a package
    content = ast.parse((room / "__init__.py").read_text("utf-8")).body
    assert len(content) == 1  # its paragraph, and no code
    assert "\n\n" not in content[0].value.value
    paragraph = " ".join(content[0].value.value.split())
    starts = [word.strip(".,") for word in paragraph.partition("Start at ")[2].split()]
    named = [word for word in starts if word.endswith(".py")]
    assert named, "says where to start reading"
    for name in named:
        assert (room / name).exists(), name


def test_the_top_level_of_a_package_holds_commands_alone():
    for module, path in MODULES.items():
        has_main = "run_command(main" in path.read_text("utf-8")
        assert has_main == is_command(module), module


def test_no_library_imports_a_command_or_its_options():
    for module in MODULES:
        if not is_on_top(module):
            assert not {found for found in imports(module) if is_on_top(found)}, module


def test_no_command_imports_another():
    for module in filter(is_command, MODULES):
        assert not {found for found in imports(module) if is_command(found)}, module


def test_packages_import_one_way():
    for module in MODULES:
        own = PACKAGES.index(module.partition(".")[0])
        for found in imports(module):
            assert PACKAGES.index(found.partition(".")[0]) <= own, f"{module} imports {found}"


def test_no_import_runs_back_up_between_rooms():
    """The rooms of a package can be put in an order in which each imports earlier ones alone."""
    below = defaultdict(set)
    for module in MODULES:
        below[room_of(module)] |= {room_of(found) for found in imports(module)} - {room_of(module)}
    ordered: set[str] = set()
    while below:
        free = {room for room, needed in below.items() if needed <= ordered}
        assert free, f"these import each other in a circle: {sorted(below)}"
        ordered |= free
        below = {room: needed for room, needed in below.items() if room not in free}


def test_tests_mirror_the_tree():
    rooms = {room.relative_to(ROOT) for room in ROOMS}
    for package in PACKAGES:
        for path in (ROOT / "tests" / package).rglob("test_*.py"):
            room = path.parent.relative_to(ROOT / "tests")
            assert room in rooms, path
