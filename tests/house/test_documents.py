"""ARCHITECTURE.md, CONTRIBUTING.md and the steps to a kind of work: every path and name that they mention is there."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

from tests.house import rules as house

ROOT = Path(settings.BASE_DIR)
DOCUMENTS = ("ARCHITECTURE.md", "CONTRIBUTING.md", "judging/kinds.py")
# Words of Python, Django and SQL, and of the wire, in backticks like our own.
FOREIGN = {
    "venv",
    ".venv",
    "git",
    "make",
    "utils",
    "running",
    "candidate_id",
    "query_id",
    "update()",
    "update_fields",
    "--user",
}


def text_of(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


@cache
def defined_names() -> frozenset[str]:
    """Return every name that our code defines: modules, functions, classes, constants, fields and arguments."""
    names: set[str] = set()
    for path in house.python_files(ROOT, *house.PACKAGES):
        names.add(path.stem)
        names.add(path.name)
        for node in house.nodes(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.arg):
                names.add(node.arg)
            elif isinstance(node, ast.Name | ast.Attribute):
                names.add(node.id if isinstance(node, ast.Name) else node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
                names.add(node.value)
    return frozenset(names)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_it_names_is_there(document: str) -> None:
    text = text_of(document)
    paths = re.findall(r"[`\s(]((?:judging|tests|templates|static|scripts|releval|\.ci)/[\w./]*)", text)
    paths += re.findall(r"\]\(([^)#:]+)\)", text)
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_name_it_gives_is_defined(document: str) -> None:
    prose = re.sub(r"```.*?```", "", text_of(document), flags=re.DOTALL)
    unknown = []
    for quoted in re.findall(r"`([^`]+)`", prose):
        if "/" in quoted or " " in quoted or quoted in FOREIGN or quoted.startswith("make"):
            continue
        for name in re.split(r"\.(?!py$|toml$|md$)", re.sub(r"\(.*\)", "", quoted).removesuffix("...")):
            is_file = (ROOT / name).exists()
            if name and name not in defined_names() and not is_file and not name.endswith("_"):
                unknown.append(quoted)
    assert unknown == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_it_names_exists(document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z]+)", text_of(document), flags=re.MULTILINE))
    assert named <= targets


def test_architecture_md_maps_every_room_and_every_layer() -> None:
    text = text_of("ARCHITECTURE.md")
    assert len(text.splitlines()) <= 150
    rooms = {path.name for path in (ROOT / "judging").iterdir() if (path / "__init__.py").exists()}
    unmapped = [room for room in sorted(rooms - {"migrations", "templatetags"}) if f"{room}/" not in text]
    assert unmapped == []
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = {name.strip(" ()") for line in contracts[0]["layers"] for name in line.split("|")}
    assert rooms - {"migrations"} <= layers


def test_the_invariants_have_tests_of_their_numbers() -> None:
    numbers = re.findall(r"^(\d)\. ", text_of("ARCHITECTURE.md"), flags=re.MULTILINE)
    assert numbers == [str(number) for number in range(1, 10)]
    tests = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests").rglob("test_*.py")))
    assert [number for number in numbers if f"def test_{number}_" not in tests] == []
