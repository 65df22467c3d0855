"""The rules of the house that a machine can hold code to: each returns what breaks it below `root`, [] when all is well."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PACKAGES = ("judging", "releval")
MAX_LINES = 400
MAX_COLUMNS = 160
MAX_FILES = 15
MAX_LOOSE_FILES = 10
MAX_NAMESAKES = 4
# Names that say what a file is to its folder, whatever the folder is about.
ROLE_NAMES = {"__init__.py", "acts.py", "reads.py", "forms.py", "serializers.py", "urls.py", "views.py"}
_DYNAMIC = {"import_module", "import_string", "__import__", "locate"}


def python_files(root: Path, *folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def module_name(root: Path, path: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def parsed(path: Path) -> ast.Module:
    return _parsed(path.read_text(encoding="utf-8"))


@cache
def _parsed(source: str) -> ast.Module:
    # The rules look at the same files, one after the other, and change none.
    return ast.parse(source)


def nodes(path: Path) -> tuple[ast.AST, ...]:
    return _nodes(path.read_text(encoding="utf-8"))


@cache
def _nodes(source: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(_parsed(source)))


def imported(path: Path) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return (module, names taken from it) of each import, those inside functions and by string included."""
    return _imported(path.read_text(encoding="utf-8"))


@cache
def _imported(source: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple(_imports(_nodes(source)))


def _imports(found: tuple[ast.AST, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for node in found:
        if isinstance(node, ast.Import):
            yield from ((alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, tuple(alias.name for alias in node.names)
        elif isinstance(node, ast.Call) and _called(node) in _DYNAMIC and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield name.value, ()


def _called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def import_graph(root: Path) -> dict[str, set[str]]:
    """Return which of our modules each of our modules imports."""
    modules = {module_name(root, path): path for path in python_files(root, *PACKAGES)}
    graph: dict[str, set[str]] = {}
    for name, path in modules.items():
        found: set[str] = set()
        for module, names in imported(path):
            for candidate in (*(f"{module}.{taken}" for taken in names), module, module.rpartition(".")[0]):
                if candidate in modules and candidate != name:
                    found.add(candidate)
                    if candidate == module or not names:
                        break
        graph[name] = found
    return graph


def circles(root: Path) -> list[str]:
    """Return a circle of modules, and one of the rooms of each folder, where there is one."""
    graph = import_graph(root)
    found = [_circle(graph)]
    rooms: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for importer, used in graph.items():
        for module in used:
            here, there = importer.split("."), module.split(".")
            depth = next((i for i, (a, b) in enumerate(zip(here, there, strict=False)) if a != b), None)
            if depth:
                folder = ".".join(here[:depth])
                rooms[folder][".".join(here[: depth + 1])].add(".".join(there[: depth + 1]))
    found.extend(_circle(siblings) for siblings in rooms.values())
    return [circle for circle in found if circle]


def _circle(graph: dict[str, set[str]]) -> str:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return " <- ".join(error.args[1])
    return ""


def importers(root: Path, package: str) -> set[str]:
    """Return the files that import a package of others."""
    return {
        str(path.relative_to(root))
        for path in python_files(root, *PACKAGES)
        for module, _ in imported(path)
        if module == package or module.startswith(f"{package}.")
    }


def hidden_imports(root: Path) -> list[str]:
    """Return imports of our own code inside functions, and by string."""
    found = []
    for path in python_files(root, *PACKAGES):
        where = path.relative_to(root)
        # Django asks for this one: models are not loaded when apps.py is.
        if path.name == "apps.py":
            continue
        indented = any(isinstance(node, ast.Import | ast.ImportFrom) and node.col_offset for node in nodes(path))
        for node in nodes(path):
            if indented and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found += [
                    f"{where}:{inner.lineno} imports in a function"
                    for inner in ast.walk(node)
                    if isinstance(inner, ast.Import | ast.ImportFrom)
                    and re.search(rf"\b({'|'.join(PACKAGES)})\b", ast.unparse(inner))
                ]
            elif isinstance(node, ast.Call) and _called(node) in _DYNAMIC:
                found.append(f"{where}:{node.lineno} imports by string")
    return found


def long_files(root: Path) -> list[str]:
    return [
        f"{path.relative_to(root)} has {length} lines"
        for path in python_files(root, *PACKAGES, "tests", "scripts")
        if (length := len(path.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    ]


def long_lines(root: Path) -> list[str]:
    """Return lines of templates, styles and scripts that are too long to read."""
    return [
        f"{path.relative_to(root)}:{number}"
        for folder in ("templates", "static/css", "static/js")
        for path in sorted((root / folder).rglob("*"))
        if path.suffix in (".html", ".css", ".js")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if len(line) > MAX_COLUMNS
    ]


def stray_rooms(root: Path) -> list[str]:
    """Return rooms of pages, of the REST API and of templates that are not called like the subject they show."""
    judging, templates = root / "judging", root / "templates" / "judging"
    rooms = {path.parent for room in ("web", "api") for path in (judging / room).glob("*/*.py")}
    rooms |= {path.parent for path in templates.glob("*/*.html")}
    # Two pages of their own, and a room of the review's that trust would meet in a circle.
    subjects = {path.parent.name for path in judging.glob("*/__init__.py")} | {"home", "team"}
    return sorted(str(room.relative_to(root)) for room in rooms if room.name not in subjects)


def crowded_folders(root: Path, excused: str = "") -> list[str]:
    """Return folders with too many Python files; `excused` is a text that gives a reason for each it names."""
    counts = Counter(str(path.parent.relative_to(root)) for path in python_files(root, *PACKAGES))
    found = [f"{folder} has {count} files" for folder, count in counts.items() if count > MAX_FILES]
    loose = counts["judging"]
    if loose > MAX_LOOSE_FILES:
        found.append(f"{loose} files lie loose in judging")
    return [line for line in found if f"`{line.split(' ')[0]}/`" not in excused]


def namesakes(root: Path) -> list[str]:
    """Return file names that stand in so many folders that they name nothing."""
    counts = Counter(path.name for path in python_files(root, "judging") if path.name not in ROLE_NAMES)
    return [f"{count} files are called {name}" for name, count in counts.items() if count > MAX_NAMESAKES]


def vague_names(root: Path) -> list[str]:
    vague = re.compile(r"^_?(utils?|helpers?|common|misc)$")
    return [str(path.relative_to(root)) for path in python_files(root, *PACKAGES) if vague.match(path.stem)]


def silent_modules(root: Path) -> list[str]:
    """Return modules that do not say what they are."""
    return [
        str(path.relative_to(root))
        for path in python_files(root, *PACKAGES)
        if path.name not in ("__init__.py", "apps.py") and ast.get_docstring(parsed(path)) is None
    ]
