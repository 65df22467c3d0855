"""`manage.py import_judgments`: grades from a file."""

from contextlib import ExitStack
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from judging.foundation.scales import SCALES
from judging.management.arguments import errors_on_one_line, get_actor, get_by_id_or_name, open_file
from judging.models import Corpus
from judging.runs.importing.judgment_files import FILE_FORMATS
from judging.runs.importing.judgment_import import import_judgments


class Command(BaseCommand):
    help = (
        "Import judgments into a corpus from CSV, JSONL (columns doc_id, grade, query or query_id; optional scale,"
        " author, kind, judge, reasoning, created_at) or TREC qrels. Importing again replaces the authors' grades."
        " Files with errors are refused as a whole."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("corpus", metavar="CORPUS", help="id or name of the corpus")
        parser.add_argument("file", metavar="FILE", help="the judgments (- reads standard input)")
        parser.add_argument("--scale", choices=SCALES, help="scale of rows that name none; needed for qrels")
        parser.add_argument("--format", choices=FILE_FORMATS, help="format, where the file's name doesn't tell")
        parser.add_argument("--queries", metavar="FILE", help="TSV that gives query ids their text")
        parser.add_argument("--user", metavar="EMAIL", help="who imports (default: the command line)")

    def handle(self, *args: Any, **options: Any) -> None:
        corpus = get_by_id_or_name(Corpus.objects.all(), options["corpus"])
        actor = get_actor(options["user"])
        with ExitStack() as files, errors_on_one_line():
            file = files.enter_context(open_file(options["file"]))
            queries = files.enter_context(open_file(options["queries"])) if options["queries"] else None
            outcome = import_judgments(
                corpus=corpus,
                actor=actor,
                file=file,
                file_name=options["file"],
                file_format=options["format"],
                scale=options["scale"],
                queries_file=queries,
            )
        for warning in outcome.warnings:
            self.stderr.write(self.style.WARNING(f"Warning: {warning}"))
        self.stdout.write(f"Read {outcome.read} judgments, wrote {outcome.written}.")
