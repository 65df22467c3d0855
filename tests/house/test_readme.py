"""The README against the code: what it names exists, and what can be configured stands in it."""

import re
import shlex
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class

ROOT = Path(settings.BASE_DIR)
README = (ROOT / "README.md").read_text(encoding="utf-8")
# Read by the development tools alone, or a switch of one command that the text explains.
ELSEWHERE = {"ONESHOT"}


def test_make_targets_that_it_names_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = set(re.findall(r"(?:^|`|\s)make ([a-z]+)(?=[`\s]|$)", re.sub(r"make yourself", "", README), re.MULTILINE))
    assert {"demo", "serve", "test", "check", "lock"} <= named <= targets


def command_lines() -> list[str]:
    return sorted(set(re.findall(r"manage\.py ([a-z_]+[^`\n#]*)", README)))


@pytest.mark.parametrize("line", command_lines())
def test_commands_that_it_shows_take_their_arguments(line: str) -> None:
    name, *arguments = shlex.split(line)
    app = get_commands()[name]
    command = load_command_class(app, name) if isinstance(app, str) else app
    parser = command.create_parser("manage.py", name)
    if arguments and arguments[0] != "does":
        parser.parse_args(arguments)


def test_links_lead_to_files() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_variable_that_is_read_is_explained_and_no_other() -> None:
    table = README[README.index("| variable |") : README.index("## In production")]
    first_column = "".join(re.findall(r"^\|([^|]*)\|", table, flags=re.MULTILINE))
    explained = set(re.findall(r"`([A-Z_]+)`", first_column))
    read: set[str] = set()
    for folder in ("releval", "judging"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            read |= set(re.findall(r'(?:env|environment)\.\w+\(\s*"([A-Z_]+)"', text))
            read |= set(re.findall(r'secret\(\s*"([A-Z_]+)"', text))
    assert read - ELSEWHERE == explained
