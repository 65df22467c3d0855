"""`manage.py import_run`: an evaluation run from files."""

from contextlib import ExitStack
from typing import Any

from django.core.management.base import CommandError, CommandParser

from judging.corpora.corpora import create_corpus
from judging.foundation.scales import SCALES
from judging.management.arguments import errors_on_one_line, find_by_id_or_name, get_actor, open_file, read_as_lines
from judging.management.command import BaseCommand
from judging.metrics import DEFAULT_METRICS
from judging.models import Corpus, Evaluation, EvaluationRun, MatchMode
from judging.records.roles import Actor
from judging.runs.evaluations import create_evaluation
from judging.runs.importing.formats.recognition import FORMATS, read_as_of
from judging.runs.importing.results import RunSource
from judging.runs.importing.run_files import ResultsFile, RunFiles
from judging.runs.importing.run_import import import_run

_FILES = ("results", "run", "queries", "documents")


class Command(BaseCommand):
    help = (
        "Import ranked results as an evaluation run: either --results (JSON, a query per line, or a table) or --run"
        " (TREC's, MS MARCO's or a table) with --queries and --documents, BEIR's as they are. Each file is recognised"
        " from its first lines. Prints the run's id. Files with errors are refused as a whole."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("evaluation", metavar="EVALUATION", help="id or name of the evaluation")
        parser.add_argument("--name", required=True, help="name of the new run")
        parser.add_argument("--scale", required=True, choices=SCALES, help="grading scale")
        parser.add_argument(
            "--metrics",
            nargs="+",
            default=list(DEFAULT_METRICS),
            metavar="METRIC",
            help="metric names, such as NDCG@10 P@10 (default: %(default)s)",
        )
        parser.add_argument("--relevant-from", type=int, default=1, help="lowest grade that is relevant (default: 1)")
        parser.add_argument(
            "--engine-model", default="", metavar="MODEL", help="the model that the search engine ranks with, if any"
        )
        parser.add_argument(
            "--results", metavar="FILE", help='JSON: {"query", "query_id"?, "candidates": [...]}; or CSV'
        )
        parser.add_argument("--run", metavar="FILE", help="TREC run: query_id Q0 doc_id rank score tag; or CSV")
        parser.add_argument("--queries", metavar="FILE", help="query_id, tab, query text; or CSV, JSON, BEIR's queries")
        parser.add_argument(
            "--documents",
            metavar="FILE",
            help='JSON: {"doc_id", "title", "fields"?, "image"?}; or BEIR corpus, CSV, TSV',
        )
        parser.add_argument(
            "--read-as",
            metavar="FORMAT",
            help="what a file is, where that can't be told: a format's name, or several as field=name with commas. "
            + "; ".join(f"{field}: {', '.join(each.name for each in FORMATS[field])}" for field in _FILES),
        )
        parser.add_argument(
            "--only-ranked-queries", action="store_true", help="leave out queries that the run found nothing for"
        )
        parser.add_argument(
            "--allow-missing-documents", action="store_true", help="take documents of the run without content, too"
        )
        parser.add_argument(
            "--corpus", metavar="CORPUS", help="id or name: makes evaluation and corpus where they don't exist yet"
        )
        parser.add_argument(
            "--match-mode",
            choices=MatchMode.values,
            default=MatchMode.QID.value,
            help="how a corpus made by --corpus tells queries apart: by text (qid) or by the whole object (oid)",
        )
        parser.add_argument("--user", metavar="EMAIL", help="who imports (default: the command line)")

    def handle(self, *args: Any, **options: Any) -> None:
        actor = get_actor(options["user"])
        metrics = [name for given in options["metrics"] for name in given.split(",") if name]
        with ExitStack() as files:

            def opened(path: str) -> Any:
                return files.enter_context(open_file(path))

            with errors_on_one_line():
                source = _source(options, opened)
            made: list[Evaluation | Corpus] = []
            try:
                with errors_on_one_line():
                    evaluation = _evaluation(options, actor, made)
                    outcome = import_run(
                        evaluation=evaluation,
                        actor=actor,
                        name=options["name"],
                        scale=options["scale"],
                        metrics=metrics,
                        relevant_from=options["relevant_from"],
                        engine_model=options["engine_model"],
                        source=source,
                    )
            except CommandError:
                # What was made for a run that was refused goes with it. A run that failed in writing keeps both.
                if not EvaluationRun.objects.filter(evaluation__in=[row.pk for row in made]).exists():
                    for row in made:
                        row.delete()
                raise
        for line in read_as_lines(outcome.read_as):
            self.stderr.write(line)
        for warning in outcome.warnings:
            self.stderr.write(self.style.WARNING(f"Warning: {warning}"))
        run = outcome.run
        self.stderr.write(
            f'Imported "{run.name}": {run.query_count} queries, {run.candidate_count} candidates,'
            f" {run.judged_count} of them judged."
        )
        self.stdout.write(str(run.pk))


def _source(options: dict[str, Any], opened: Any) -> RunSource:
    trec = [name for name in ("run", "queries", "documents") if options[name]]
    if options["results"]:
        if trec:
            raise CommandError(f"Give either --results or --run, not --results and --{trec[0]}.")
        return ResultsFile(
            opened(options["results"]),
            read_as_of(options["read_as"], ("results",)),
            allow_missing_documents=options["allow_missing_documents"],
        )
    if not options["run"]:
        raise CommandError("Give --results, or --run with --queries and --documents.")
    return RunFiles(
        **{name: opened(options[name]) for name in trec},
        allow_missing_documents=options["allow_missing_documents"],
        only_ranked_queries=options["only_ranked_queries"],
        read_as=read_as_of(options["read_as"], trec),
    )


def _evaluation(options: dict[str, Any], actor: Actor, made: list[Evaluation | Corpus]) -> Evaluation:
    """Find the evaluation, or make it in the corpus of --corpus; what was made goes to `made`, evaluation first."""
    name = options["evaluation"].strip()
    if options["corpus"] is None:
        evaluation = find_by_id_or_name(Evaluation.objects.select_related("corpus"), name)
        if evaluation is None:
            raise CommandError(f'There is no evaluation "{name}". To make it, name its corpus with --corpus.')
        return evaluation
    corpus_name = options["corpus"].strip()
    corpus = find_by_id_or_name(Corpus.objects.all(), corpus_name)
    if corpus is not None:
        evaluation = find_by_id_or_name(corpus.evaluations.select_related("corpus"), name)
        if evaluation is not None:
            return evaluation
    else:
        corpus = create_corpus(actor=actor, name=corpus_name, match_mode=options["match_mode"])
        made.append(corpus)
    evaluation = create_evaluation(actor=actor, corpus_id=corpus.pk, name=name)
    made.insert(0, evaluation)
    return evaluation
