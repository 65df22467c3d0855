"""`manage.py export_judgments`: the judgments of an evaluation run as a file."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from judging.exports import JUDGMENT_FORMATS, export_judgments
from judging.management.arguments import errors_on_one_line, get_by_id_or_name
from judging.management.command import BaseCommand
from judging.models import EvaluationRun


class Command(BaseCommand):
    help = (
        "Export the judgments that count for an evaluation run: everyone's, of its queries on its scale (a locked run's"
        " as they stood when it was locked). qrels holds the effective grades."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", metavar="RUN", help="id or name of the evaluation run")
        parser.add_argument("--format", choices=JUDGMENT_FORMATS, default="csv", help="default: %(default)s")
        parser.add_argument("--output", metavar="FILE", help="file to write (default: standard output)")

    def handle(self, *args: Any, **options: Any) -> None:
        run = get_by_id_or_name(EvaluationRun.objects.select_related("evaluation__corpus"), options["run"])
        with errors_on_one_line():
            pieces = export_judgments(run, options["format"])
        if not options["output"]:
            self._print(pieces)
            return
        try:
            # newline="": line ends stay as they are on every system.
            with Path(options["output"]).open("w", encoding="utf-8", newline="") as file:
                file.writelines(pieces)
        except OSError as error:
            raise CommandError(f"{options['output']} can't be written: {error.strerror}") from None

    def _print(self, pieces: Iterator[str]) -> None:
        try:
            for piece in pieces:
                self.stdout.write(piece, ending="")
        except BrokenPipeError:
            # The reader closed the pipe (`| head`). Python would complain once more when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
