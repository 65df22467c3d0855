"""The electronics collection with everything it takes to judge it, loaded once."""

import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import CommandError

from judging.errors import Conflict
from judging.local_judge.server import MODEL
from judging.models import (
    AIJudge,
    AIProvider,
    AuthorKind,
    Corpus,
    Evaluation,
    EvaluationRun,
    EvaluationRunStatus,
    Judgment,
    ProviderType,
    Role,
    User,
)
from judging.prompting import DEFAULT_PROMPT_TEMPLATE
from judging.services.accounts import authenticate_token, change_password, create_token, create_user
from judging.services.corpora import create_corpus
from judging.services.evaluations import create_evaluation, delete_run
from judging.services.import_judgments import import_judgments
from judging.services.import_run import import_run
from judging.services.judges import save_judge
from judging.services.providers import save_provider
from judging.services.trec_results import TrecResults

DATA = Path(settings.BASE_DIR) / "judging" / "demo"
CREDENTIALS_FILE = "demo.json"
EMAIL = "demo@example.com"
CORPUS = "Electronics"
EVALUATION = "Electronics search"
SCALE = "trec"
METRICS = ("NDCG@10", "P@10", "MAP", "MRR@10")
TITLE_RUN, FIELDS_RUN = "bm25-title", "bm25-all-fields"
PROVIDER = "Local similarity model"
JUDGE = "Local similarity judge"

Say = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """What the demo works with. The password and the token are those of the demo's user."""

    user: User
    password: str
    token: str
    title_run: EvaluationRun
    fields_run: EvaluationRun
    judge: AIJudge


def load_sample(say: Say) -> Sample:
    """Make what is missing of the sample, all through the services; what is there already stays as it is."""
    user, password, token = _account()
    corpus = Corpus.objects.filter(name=CORPUS, created_by=user).first() or create_corpus(
        actor=user, name=CORPUS, description=(DATA / "SOURCE.md").read_text(encoding="utf-8")
    )
    evaluation = Evaluation.objects.filter(corpus=corpus, name=EVALUATION).first() or create_evaluation(
        actor=user,
        corpus_id=corpus.pk,
        name=EVALUATION,
        description=(
            "Which ranking serves shoppers better? Judge whether the product is what someone who types this query into "
            "an electronics shop is looking for. An accessory of the product meant is at most related."
        ),
    )
    runs = {name: _run(evaluation, user, name, say) for name in (TITLE_RUN, FIELDS_RUN)}
    if not Judgment.objects.filter(corpus=corpus, author_kind=AuthorKind.RATER).exists():
        with (DATA / "judgments.csv").open("rb") as file, (DATA / "queries.tsv").open("rb") as queries:
            outcome = import_judgments(
                corpus=corpus, actor=user, file=file, file_name=file.name, scale=SCALE, queries_file=queries
            )
        say(f"Imported {outcome.written:,} judgments of three raters")
    return Sample(user, password, token, runs[TITLE_RUN], runs[FIELDS_RUN], _judge(user))


def query_labels() -> list[str]:
    """Return the labels of the collection's queries in the order of their file."""
    with (DATA / "queries.tsv").open(encoding="utf-8") as file:
        return [line.split("\t", 1)[0] for line in file]


def _run(evaluation: Evaluation, user: User, name: str, say: Say) -> EvaluationRun:
    run = EvaluationRun.objects.filter(evaluation=evaluation, name=name, status=EvaluationRunStatus.COMPLETED).first()
    if run is not None:
        return run
    for broken in EvaluationRun.objects.filter(evaluation=evaluation, name=name):
        with suppress(Conflict):
            delete_run(actor=user, run=broken)
    with (
        (DATA / f"{name}.run").open("rb") as ranking,
        (DATA / "queries.tsv").open("rb") as queries,
        (DATA / "documents.jsonl").open("rb") as documents,
    ):
        source = TrecResults(run=ranking, queries=queries, documents=documents)
        run = import_run(evaluation=evaluation, actor=user, name=name, scale=SCALE, metrics=METRICS, source=source).run
    say(f"Imported {name}: {run.query_count} queries, {run.candidate_count:,} candidates")
    return run


def _judge(user: User) -> AIJudge:
    judge = AIJudge.objects.filter(name=JUDGE, created_by=user, archived_at=None).first()
    if judge is not None:
        return judge
    provider = AIProvider.objects.filter(type=ProviderType.LOCAL, shared=True).first() or save_provider(
        actor=user, fields={"type": ProviderType.LOCAL, "name": PROVIDER, "shared": True}
    )
    fields = {
        "name": JUDGE,
        "description": "Grades by the similarity of sentence embeddings. Not an LLM: needs no key and no network.",
        "shared": True,
        "ai_provider_id": provider.pk,
        "model": MODEL,
        "prompt_template": DEFAULT_PROMPT_TEMPLATE,
        # Half of a query's candidates in a prompt: few calls, and still steady progress.
        "batch_size": 10,
        "max_concurrency": 4,
    }
    return save_judge(actor=user, fields=fields)


def _account() -> tuple[User, str, str]:
    """Return the demo's user, its password and a token: those of the last time as long as they open the door."""
    path = Path(settings.DATA_DIR) / CREDENTIALS_FILE
    stored = _stored(path)
    password, token = stored.get("password") or secrets.token_urlsafe(12), stored.get("token", "")
    user = User.objects.filter(email=EMAIL).first()
    if user is None:
        user = create_user(email=EMAIL, password=password, role=Role.ADMIN, name="Demo")
    elif not user.is_active or not user.is_admin:
        raise CommandError(f"{EMAIL} is no active admin any more; the demo works with that account")
    elif not user.check_password(password):
        change_password(user=user, password=password)
    known = authenticate_token(token) if token else None
    if known is None or known.user_id != user.pk:
        _, token = create_token(user=user, name="make demo")
    if stored != {"email": EMAIL, "password": password, "token": token}:
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(json.dumps({"email": EMAIL, "password": password, "token": token}) + "\n", encoding="utf-8")
    return user, password, token


def _stored(path: Path) -> dict[str, str]:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}
