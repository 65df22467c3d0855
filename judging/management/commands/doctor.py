"""`manage.py doctor`: what is wrong with this installation, and how it is mended."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from judging.management.command import BaseCommand
from judging.management.doctor import ERROR, OK, Finding, examine

_MARKS = {"ok": "ok     ", "warning": "WARNING", "error": "ERROR  "}


class Command(BaseCommand):
    help = (
        "Say what is wrong with this installation and how it is mended: settings, disk, database, migrations, keys,"
        " workers, queue, stuck runs, local judge, clocks. Changes nothing. Exit code 1 when something is an error."
    )
    # They are among what it looks at.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="a list of findings with check, level, message, remedy")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = []
        for finding in examine():
            findings.append(finding)
            if not options["json"]:
                self._show(finding)
        is_ok = all(finding.level != ERROR for finding in findings)
        if options["json"]:
            self.stdout.write(json.dumps({"ok": is_ok, "findings": [asdict(each) for each in findings]}, indent=2))
        else:
            counts = {level: sum(each.level == level for each in findings) for level in (ERROR, "warning")}
            self.stdout.write(f"{counts[ERROR]} errors, {counts['warning']} warnings")
        if not is_ok:
            raise SystemExit(1)

    def _show(self, finding: Finding) -> None:
        self.stdout.write(f"{_MARKS[finding.level]}  {finding.check}: {finding.message}")
        if finding.level != OK and finding.remedy:
            self.stdout.write(f"         -> {finding.remedy}")
