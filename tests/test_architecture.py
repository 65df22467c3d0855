"""The house rules that a machine can hold the code to."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
MAX_LINES = 400


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def imports(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """Yield (imported module, statement), imports inside functions included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, node


def importers(package: str) -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for path in python_files("judging", "releval")
        for module, _ in imports(path)
        if module == package or module.startswith(f"{package}.")
    }


def test_modules_import_only_what_stands_below_them() -> None:
    linted = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_the_engine_alone_knows_the_task_queue() -> None:
    assert importers("django_q") == {"judging/work/queue.py", "judging/work/workers.py"}


def test_one_module_knows_the_openai_package() -> None:
    assert importers("openai") == {"judging/providers/openai_client.py"}


def test_one_module_adapts_values_for_raw_sql() -> None:
    adapting = re.compile(r"has_native_uuid_field|adapt_datetimefield_value")
    adapters = {
        str(path.relative_to(ROOT))
        for path in python_files("judging", "releval")
        if adapting.search(path.read_text(encoding="utf-8"))
    }
    # The stores of the two kinds of work follow when they become one.
    assert adapters - {"judging/judging_runs/store.py", "judging/responses/kind.py"} == {
        "judging/foundation/columns.py"
    }


def test_one_module_encrypts_and_one_holds_what_is_encrypted() -> None:
    # The settings make and check the keys themselves.
    assert importers("cryptography") == {"judging/foundation/crypto.py", "releval/env.py"}
    calling = re.compile(r"\bcrypto\.|import .*\b(encrypt|decrypt)\b")
    callers = {
        str(path.relative_to(ROOT))
        for path in python_files("judging", "releval")
        if calling.search(path.read_text(encoding="utf-8").replace("foundation.crypto", ""))
    }
    assert callers == {"judging/models/credentials.py"}


def test_one_module_writes_the_audit_list() -> None:
    writers = {
        str(path.relative_to(ROOT))
        for path in python_files("judging", "releval")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        # AuditEvent(...) and AuditEvent.objects.create(...), of models or of an alias; the page of the list only reads.
        if isinstance(node, ast.Call)
        and re.fullmatch(r"([\w.]+\.)?AuditEvent(\.(_default_manager|objects)\..*)?", ast.unparse(node.func))
        and not ast.unparse(node.func).endswith(("select_related", "filter"))
    }
    assert writers == {"judging/records/audit.py"}


def test_no_import_hides_in_a_function_to_dodge_a_cycle() -> None:
    hidden = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in python_files("judging", "releval")
        # Django asks for this one: models are not loaded when apps.py is.
        if path.name != "apps.py"
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and "judging" in ast.unparse(node)
    ]
    assert hidden == []


def test_no_file_is_longer_than_400_lines() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in python_files("judging", "releval", "tests", "scripts")
    }
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def test_no_module_is_called_utils() -> None:
    vague = re.compile(r"^_?(utils?|helpers?|common|misc)$")
    assert [str(path) for path in python_files("judging", "releval") if vague.match(path.stem)] == []


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in python_files("judging", "releval")
        if path.name not in ("__init__.py", "apps.py")
        and ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) is None
    ]
    assert silent == []


def test_the_license_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-test.lock"])
def test_locks_pin_every_package_with_hashes_and_name_no_registry(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    pinned = re.findall(r"^([a-zA-Z0-9_.-]+)==", text, flags=re.MULTILINE)
    assert len(pinned) == len(re.findall(r"^[a-zA-Z0-9]", text, flags=re.MULTILINE))
    for package in re.split(r"^(?=[a-zA-Z0-9])", text, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in package, package


def test_both_locks_pin_the_same_versions() -> None:
    def versions(name: str) -> dict[str, str]:
        text = (ROOT / name).read_text(encoding="utf-8")
        return dict(re.findall(r"^([a-zA-Z0-9_.-]+)==(\S+)", text, flags=re.MULTILINE))

    runtime, with_tests = versions("requirements.lock"), versions("requirements-test.lock")
    assert runtime.items() <= with_tests.items()
