"""`manage.py trust`: whether the grades of a run can be believed."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from judging.foundation.errors import DomainError
from judging.management.arguments import get_by_id_or_name
from judging.management.command import BaseCommand
from judging.management.trust_report import report_lines
from judging.runs.run_lists import evaluation_runs
from judging.trust.reports import run_answer


class Command(BaseCommand):
    help = (
        "Say whether the grades of an evaluation run can be believed: how well judge and people agree, and what people"
        " would say, each figure with its interval or the reason why it has none. Changes nothing that counts."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", help="id or name of the evaluation run")
        parser.add_argument("--json", action="store_true", help="what GET /api/v1/evaluations/runs/ID/trust answers")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            answer = run_answer(get_by_id_or_name(evaluation_runs(), options["run"]))
        except DomainError as error:
            raise CommandError(error.message) from None
        if options["json"]:
            self.stdout.write(json.dumps(answer, indent=2))
            return
        for line in report_lines(answer):
            self.stdout.write(line)
        if answer["is_stale"]:
            self.stdout.write(f"As of {answer['as_of']}; grades have changed since.")
