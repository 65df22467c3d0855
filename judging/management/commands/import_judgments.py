"""`manage.py import_judgments`: grades from a file."""

from contextlib import ExitStack
from typing import Any

from django.core.management.base import CommandParser

from judging.foundation.scales import SCALES
from judging.management.arguments import errors_on_one_line, get_actor, get_by_id_or_name, open_file, read_as_lines
from judging.management.command import BaseCommand
from judging.models import Corpus
from judging.runs.importing.formats.recognition import FORMATS, read_as_of
from judging.runs.importing.judgment_import import import_judgments


class Command(BaseCommand):
    help = (
        "Import judgments into a corpus. The format is recognised from the file's first lines: CSV or JSON (columns"
        " doc_id, grade, query or query_id; optional scale, author, kind, judge, reasoning, created_at), qrels of TREC,"
        " MS MARCO and BEIR, Quepid, OpenSearch, RRE and RankLib. Importing again replaces the authors' grades. Files"
        " with errors are refused as a whole."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("corpus", metavar="CORPUS", help="id or name of the corpus")
        parser.add_argument("file", metavar="FILE", help="the judgments (- reads standard input)")
        parser.add_argument(
            "--scale", choices=SCALES, help="scale of rows that name none, where the corpus's runs have several"
        )
        parser.add_argument(
            "--read-as",
            "--format",
            dest="read_as",
            metavar="FORMAT",
            help="what the file is, where that can't be told: "
            f"{', '.join(each.name for each in FORMATS['file'])}; queries=FORMAT says it of --queries",
        )
        parser.add_argument("--queries", metavar="FILE", help="gives query ids their text (TSV, CSV, JSON or BEIR's)")
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
                read_as=read_as_of(options["read_as"], ("file", "queries")),
                scale=options["scale"],
                queries_file=queries,
            )
        for warning in outcome.warnings:
            self.stderr.write(self.style.WARNING(f"Warning: {warning}"))
        for line in read_as_lines(outcome.read_as):
            self.stderr.write(line)
        reach = outcome.reach
        runs = "1 run" if reach.runs == 1 else f"{reach.runs} runs"
        self.stdout.write(
            f"Read {outcome.read} judgments, wrote {outcome.written}."
            f" {reach.on_candidates} of them concern a candidate of {runs}."
        )
