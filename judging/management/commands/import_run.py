"""`manage.py import_run`: an evaluation run from files."""

from contextlib import ExitStack
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from judging.corpora.corpora import create_corpus
from judging.foundation.scales import SCALES
from judging.management.arguments import errors_on_one_line, find_by_id_or_name, get_actor, open_file
from judging.metrics import DEFAULT_METRICS
from judging.models import Corpus, Evaluation, EvaluationRun, MatchMode
from judging.records.roles import Actor
from judging.runs.evaluations import create_evaluation
from judging.runs.importing.results import JsonlResults, RunSource
from judging.runs.importing.run_import import import_run
from judging.runs.importing.trec_results import TrecResults


class Command(BaseCommand):
    help = (
        "Import ranked results as an evaluation run: either --results (JSONL, a line per query) or --run (TREC run)"
        " with --queries (TSV) and --documents (JSONL). Prints the run's id. Files with errors are refused as a whole."
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
        parser.add_argument("--results", metavar="FILE", help='JSONL: {"query", "query_id"?, "candidates": [...]}')
        parser.add_argument("--run", metavar="FILE", help="TREC run: query_id Q0 doc_id rank score tag")
        parser.add_argument("--queries", metavar="FILE", help="TSV: query_id, tab, query text")
        parser.add_argument("--documents", metavar="FILE", help='JSONL: {"doc_id", "title", "fields"?, "image"?}')
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
                        source=source,
                    )
            except CommandError:
                # What was made for a run that was refused goes with it. A run that failed in writing keeps both.
                if not EvaluationRun.objects.filter(evaluation__in=[row.pk for row in made]).exists():
                    for row in made:
                        row.delete()
                raise
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
        return JsonlResults(opened(options["results"]))
    if not options["run"] or not options["queries"]:
        raise CommandError("Give --results, or --run with --queries and --documents.")
    if not options["documents"] and not options["allow_missing_documents"]:
        raise CommandError("Give --documents, or --allow-missing-documents to do without.")
    return TrecResults(
        run=opened(options["run"]),
        queries=opened(options["queries"]),
        documents=opened(options["documents"]) if options["documents"] else None,
        allow_missing_documents=options["allow_missing_documents"],
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
