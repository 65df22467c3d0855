"""The electronics collection, and the judge that works without a key: what a new installation can begin with."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Q

from judging.asking.prompting import DEFAULT_PROMPT_TEMPLATE
from judging.corpora.corpora import create_corpus
from judging.foundation.errors import Conflict
from judging.judges.judges import save_judge
from judging.judges.providers import save_provider
from judging.local_judge.server import MODEL
from judging.models import (
    AIJudge,
    AuthorKind,
    Corpus,
    Evaluation,
    EvaluationRun,
    EvaluationRunStatus,
    Judgment,
    ProviderType,
    User,
)
from judging.records.roles import require_member
from judging.records.visibility import visible_judges, visible_providers
from judging.runs.evaluations import create_evaluation, delete_run
from judging.runs.importing.judgment_import import import_judgments
from judging.runs.importing.run_files import RunFiles
from judging.runs.importing.run_import import import_run

DATA = Path(settings.BASE_DIR) / "judging" / "demo"
CORPUS = "Electronics"
EVALUATION = "Electronics search"
GUIDELINES = (
    "Which ranking serves shoppers better? Judge whether the product is what someone who types this query into "
    "an electronics shop is looking for. An accessory of the product meant is at most related."
)
SCALE = "trec"
METRICS = ("NDCG@10", "P@10", "MAP", "MRR@10")
TITLE_RUN, FIELDS_RUN = "bm25-title", "bm25-all-fields"
PROVIDER = "Local similarity model"
JUDGE = "Local similarity judge"

Say = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Electronics:
    """The collection as it stands in the database."""

    evaluation: Evaluation
    title_run: EvaluationRun
    fields_run: EvaluationRun


def load_electronics(*, actor: User, say: Say = lambda line: None) -> Electronics:
    """Make what is missing of the electronics collection; what is there already stays as it is.

    `say` hears of each import. Raise Forbidden.
    """
    require_member(actor)
    description = (DATA / "SOURCE.md").read_text(encoding="utf-8")
    # A corpus that only has the same name is left alone.
    is_known = Q(description=description) | Q(evaluations__name=EVALUATION, created_by=actor)
    known = Corpus.objects.filter(is_known, name=CORPUS)
    corpus = known.order_by("created_at").first() or create_corpus(actor=actor, name=CORPUS, description=description)
    evaluation = Evaluation.objects.filter(corpus=corpus, name=EVALUATION).first() or create_evaluation(
        actor=actor, corpus_id=corpus.pk, name=EVALUATION, description=GUIDELINES
    )
    runs = {name: _run(evaluation, actor, name, say) for name in (TITLE_RUN, FIELDS_RUN)}
    if not Judgment.objects.filter(corpus=corpus, author_kind=AuthorKind.RATER).exists():
        with (DATA / "judgments.csv").open("rb") as file, (DATA / "queries.tsv").open("rb") as queries:
            outcome = import_judgments(
                corpus=corpus, actor=actor, file=file, file_name="judgments.csv", scale=SCALE, queries_file=queries
            )
        say(f"Imported {outcome.written:,} judgments of three raters")
        for run in runs.values():
            run.refresh_from_db()
    return Electronics(evaluation, runs[TITLE_RUN], runs[FIELDS_RUN])


def query_labels() -> list[str]:
    """Return the labels of the collection's queries in the order of their file."""
    with (DATA / "queries.tsv").open(encoding="utf-8") as file:
        return [line.split("\t", 1)[0] for line in file]


def ensure_local_judge(*, actor: User) -> AIJudge:
    """Return the local judge that `actor` may use, made with its provider where there is none.

    An admin's is shared with the team, a member's is personal. Raise Forbidden.
    """
    require_member(actor)
    # Not a colleague's own, which admins see, too.
    usable = visible_judges(actor).filter(Q(shared=True) | Q(owner=actor), ai_provider__type=ProviderType.LOCAL)
    judge = usable.filter(name=JUDGE).order_by("created_at").first()
    if judge is not None:
        return judge
    shared = actor.is_admin
    providers: Any = visible_providers(actor).filter(shared=True) if shared else visible_providers(actor)
    provider = providers.filter(type=ProviderType.LOCAL).order_by("created_at").first() or save_provider(
        actor=actor, fields={"type": ProviderType.LOCAL, "name": PROVIDER, "shared": shared}
    )
    fields = {
        "name": JUDGE,
        "description": "Grades by the similarity of sentence embeddings. Not an LLM: needs no key and no network.",
        "shared": shared,
        "ai_provider_id": provider.pk,
        "model": MODEL,
        "prompt_template": DEFAULT_PROMPT_TEMPLATE,
        # Half of a query's candidates in a prompt: few calls, and still steady progress.
        "batch_size": 10,
        "max_concurrency": 4,
    }
    return save_judge(actor=actor, fields=fields)


def _run(evaluation: Evaluation, actor: User, name: str, say: Say) -> EvaluationRun:
    run = EvaluationRun.objects.filter(evaluation=evaluation, name=name, status=EvaluationRunStatus.COMPLETED).first()
    if run is not None:
        return run
    for broken in EvaluationRun.objects.filter(evaluation=evaluation, name=name):
        with suppress(Conflict):
            delete_run(actor=actor, run=broken)
    with (
        (DATA / f"{name}.run").open("rb") as ranking,
        (DATA / "queries.tsv").open("rb") as queries,
        (DATA / "documents.jsonl").open("rb") as documents,
    ):
        source = RunFiles(run=ranking, queries=queries, documents=documents)
        run = import_run(evaluation=evaluation, actor=actor, name=name, scale=SCALE, metrics=METRICS, source=source).run
    say(f"Imported {name}: {run.query_count} queries, {run.candidate_count:,} candidates")
    return run
