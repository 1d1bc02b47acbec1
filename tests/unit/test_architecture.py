"""The shape of the code: which room may import which, and how long modules and functions may grow.

    targets <- vocabulary, reasons, facts, sts, model, cipher_grades, settings <- core <- net <- run <- finger <- cli
            <- api
    results: store <- count <- render <- live, diff, explain <- report, export, schema <- paper <- api <- results

A room may import any room to its left, but not one that stands between the same two arrows. ``results`` imports the
records and ``core`` of the scanner; only ``scanner.cli`` and ``scanner.api`` import ``results``. No files import each
other in a circle; imports below ``TYPE_CHECKING`` count.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("targets", "scanner", "results")

CONTRACT = (
    *("scanner.vocabulary", "scanner.reasons", "scanner.facts", "scanner.sts", "scanner.worker_status"),
    *("scanner.model", "scanner.cipher_grades", "scanner.settings"),
)
RESULTS = (
    ("results.store",), ("results.count",), ("results.render",), ("results.live", "results.diff", "results.explain"),
    ("results.report", "results.export", "results.schema"), ("results.paper",), ("results.api",),
)  # fmt: skip
"""The rooms of ``results``, floor by floor."""

FLOORS = {room: floor for floor, rooms in enumerate(RESULTS) for room in rooms}

LEFT_TO_RIGHT = (
    "targets",
    *CONTRACT,
    "scanner.core",
    "scanner.net",
    "scanner.run",
    "scanner.finger",
    "scanner.scale",
    "scanner.cli",
    "scanner.api",
)

PURE = "scanner.core"
IMPURE = {
    "asyncio", "concurrent", "logging", "multiprocessing", "os", "random", "secrets", "select", "signal", "socket",
    "ssl", "subprocess", "sys", "tempfile", "threading", "time", "trio",
}  # fmt: skip
CLOCK = {"now", "today", "utcnow"}

PRIVATE_BINDINGS = ("OpenSSL._util", "cryptography.hazmat.bindings")
MAY_BIND = {
    *("scanner.core.x509.openssl", "scanner.net.tls", "scanner.net.tls_errors"),
    *("scanner.net.tls_facts", "scanner.net.tls_offer"),
}
"""Each of them has a test that fails when a new release drops what it uses."""

MODULE_LINES = 400
FUNCTION_LINES = 40


@dataclass(frozen=True)
class Module:
    """A source file."""

    name: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)


@cache
def modules() -> tuple[Module, ...]:
    return tuple(_modules())


def _modules() -> Iterator[Module]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield Module(".".join(parts).removesuffix(".__init__"), path.read_text())


def imports(module: Module) -> Iterator[str]:
    """Every module that is imported, anywhere in the file; ``from a import b`` names ``a.b``."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.name}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def inside(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def room_of(name: str) -> str | None:
    return next((room for room in (*LEFT_TO_RIGHT, "results") if inside(name, room)), None)


@cache
def rooms_imported() -> tuple[tuple[str, str, str], ...]:
    """(module, its room, a room that it imports), the room itself left out."""
    return tuple(
        (module.name, room, imported)
        for module in modules()
        for room in (room_of(module.name),)
        for imported in set(map(room_of, imports(module)))
        if room is not None and imported is not None and imported != room
    )


def test_there_is_something_to_look_at() -> None:
    names = {module.name for module in modules()}
    assert {"scanner.core.rollup", "scanner.cli", "results.store.writer", "targets.lists", *CONTRACT} <= names
    assert ("scanner.core.rollup", "scanner.core", "scanner.model") in rooms_imported()
    assert {room_of(name) for name in names} - {None} == {*LEFT_TO_RIGHT, "results"}
    assert {name for name in names if room_of(name) is None} == {"scanner", "scanner.__main__"}


def test_rooms_import_only_what_stands_to_their_left() -> None:
    wrong = [
        f"{module} imports {imported}"
        for module, room, imported in rooms_imported()
        if room in LEFT_TO_RIGHT
        and imported in LEFT_TO_RIGHT
        and LEFT_TO_RIGHT.index(imported) > LEFT_TO_RIGHT.index(room)
    ]
    assert wrong == []


def test_results_read_the_contract_and_the_judgement_only() -> None:
    allowed = {*CONTRACT[:6], "scanner.core"}
    assert {imported for _, room, imported in rooms_imported() if room == "results"} <= allowed


def test_rooms_of_results_import_only_lower_floors() -> None:
    wrong = [
        f"{module.name} imports {imported}"
        for module in modules()
        for own in (floor_room(module.name),)
        for imported in set(map(floor_room, imports(module))) - {own, None}
        if own is not None and imported is not None and FLOORS[imported] >= FLOORS[own]
    ]
    assert wrong == []


def test_every_room_of_results_has_a_floor() -> None:
    found = {module.name.rpartition(".")[0] for module in modules() if module.name.count(".") > 1}
    assert {room for room in found if inside(room, "results")} == set(FLOORS) - {"results.api"}


def test_files_do_not_import_each_other_in_a_circle() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == {"a", "b", "c"}
    names = {module.name for module in modules()}
    graph = {module.name: {file_of(name, names) for name in imports(module)} - {None} for module in modules()}
    assert circles({name: {to for to in targets if to and to != name} for name, targets in graph.items()}) == set()


def floor_room(name: str) -> str | None:
    return next((room for room in FLOORS if inside(name, room)), None)


def file_of(name: str, names: set[str]) -> str | None:
    """Return the module that an imported name stands for, or stands in."""
    if name in names:
        return name
    parent = name.rpartition(".")[0]
    return parent if parent in names else None


def circles(graph: dict[str, set[str]]) -> set[str]:
    """Return the nodes that are left when all that lead nowhere, or are led to by nothing, have been taken away."""
    left = dict(graph)
    while True:
        reached = {target for targets in left.values() for target in targets if target in left}
        gone = {name for name, targets in left.items() if name not in reached or not targets & set(left)}
        if not gone:
            return set(left)
        left = {name: targets for name, targets in left.items() if name not in gone}


def test_only_the_parts_of_a_scan_the_command_line_and_the_api_import_results() -> None:
    assert {room for _, room, imported in rooms_imported() if imported == "results"} == {
        "scanner.scale",
        "scanner.cli",
        "scanner.api",
    }


def test_the_api_does_without_the_command_line_library() -> None:
    code = "import sys, scanner.api; sys.exit(bool({'click', 'rich_click'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_core_has_no_clock_socket_chance_or_log() -> None:
    core = [module for module in modules() if inside(module.name, PURE)]
    wrong = [(module.name, name) for module in core for name in imports(module) if name.split(".")[0] in IMPURE]
    clocks = [
        (module.name, node.lineno)
        for module in core
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCK
    ]
    waits = [module.name for module in core for node in ast.walk(module.tree) if isinstance(node, ast.AsyncFunctionDef)]
    assert (wrong, clocks, waits) == ([], [], [])


def test_private_bindings_stay_where_they_are_guarded() -> None:
    users = {
        module.name
        for module in modules()
        for name in imports(module)
        if any(inside(name, binding) for binding in PRIVATE_BINDINGS)
    }
    assert users
    assert users <= MAY_BIND


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_a_module_is_one_idea(module: Module) -> None:
    assert ast.get_docstring(module.tree), "every module says what it is for"
    lines = module.text.count("\n")
    assert lines <= MODULE_LINES, f"{lines} lines"
    is_package = (ROOT / Path(*module.name.split("."))).is_dir()
    assert is_package or len(module.tree.body) > 1, "a module exists when something lives in it"


def test_functions_are_short() -> None:
    wrong = [
        f"{module.name}.{node.name}: {length} lines"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES
    ]
    assert wrong == []


def has_behaviour(module: Module) -> bool:
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(module.tree))


def file_of_tests(name: str) -> Path:
    first, *folders, last = name.split(".")
    return ROOT.joinpath("tests", "unit", *([] if first == "scanner" else [first]), *folders, f"test_{last}.py")


def test_each_module_with_behaviour_has_a_test_file_of_its_name() -> None:
    packages = {module.name.rpartition(".")[0] for module in modules()} | set(PACKAGES)
    wanted = [module.name for module in modules() if has_behaviour(module) and module.name not in packages]
    assert len(wanted) > 150
    assert [name for name in wanted if not file_of_tests(name).exists()] == []


def awaits_within(source: str) -> list[int]:
    """Lines where something is read, then waited for, then written: what others wrote meanwhile would be lost."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.AugAssign) and any(isinstance(part, ast.Await) for part in ast.walk(node))
    ]


def test_nothing_is_awaited_within_an_augmented_assignment() -> None:
    assert awaits_within("async def f(a):\n    a.x += await g()") == [2]
    assert {module.name: found for module in modules() if (found := awaits_within(module.text))} == {}


def test_a_class_name_is_used_once() -> None:
    """One name for two classes misleads readers and searches; the tests count too."""
    files: dict[str, list[str]] = {}
    for path in sorted(path for place in (*PACKAGES, "tests") for path in (ROOT / place).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                files.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in files.items() if len(found) > 1} == {}
