"""Short ways to the objects tests need. Everything has a default; nothing is random."""

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from judging.asking.prompting import DEFAULT_PROMPT_TEMPLATE
from judging.models import (
    AIJudge,
    AIProvider,
    Analysis,
    AnalysisRun,
    ApiToken,
    Candidate,
    Certificate,
    CheckSample,
    Corpus,
    Document,
    DocumentVersion,
    Evaluation,
    EvaluationRun,
    EvaluationRunStatus,
    GoldenCheck,
    GoldenPair,
    GoldenSet,
    JudgeVersion,
    ProbeRun,
    Query,
    Role,
    RunQuery,
    SearchItem,
    SearchRun,
    User,
    content_hash,
    hash_secret,
    new_secret,
    query_identity,
    query_text,
)

_numbers = itertools.count(1)
_Row = TypeVar("_Row", bound=Model)


def make_user(role: str = Role.MEMBER, email: str = "", **fields: Any) -> User:
    return User.objects.create_user(email or f"user{next(_numbers)}@example.com", "secret-pass-1", role=role, **fields)


def make_token(user: User, **fields: Any) -> str:
    """Return the secret of a new API token of `user`."""
    secret = new_secret("rlv_")
    ApiToken.objects.create(user=user, name="test", prefix=secret[:12], token_hash=hash_secret(secret), **fields)
    return secret


def make_evaluation(corpus: Corpus | None = None, **fields: Any) -> Evaluation:
    # With one seed: what a check sample asks first is the same in every run of the tests.
    corpus = corpus or Corpus.objects.create(name=f"corpus {next(_numbers)}", seed=7)
    return Evaluation.objects.create(corpus=corpus, **{"name": f"evaluation {next(_numbers)}", **fields})


def make_run(
    results: Mapping[str, Sequence[str]] | None = None,
    *,
    evaluation: Evaluation | None = None,
    scale: str = "graded",
    metrics: Sequence[str] = ("NDCG@10", "P@10"),
    status: str = EvaluationRunStatus.COMPLETED,
    **fields: Any,
) -> EvaluationRun:
    """Make a run whose `results` map a query text to external document ids in rank order."""
    if results is None:
        results = {"red shoes": ["d1", "d2", "d3"], "blue shirt": ["d2", "d4"]}
    is_new = evaluation is None
    evaluation = evaluation or make_evaluation()
    corpus = evaluation.corpus
    run = EvaluationRun.objects.create(
        evaluation=evaluation,
        name=fields.pop("name", f"run {next(_numbers)}"),
        scale=scale,
        metrics=list(metrics),
        status=status,
        query_count=len(results),
        candidate_count=sum(map(len, results.values())),
        **fields,
    )
    external_ids = list(dict.fromkeys(doc for docs in results.values() for doc in docs))
    documents = {
        document.external_id: document.pk
        for document in _kept(
            [Document(corpus_id=corpus.pk, external_id=doc) for doc in external_ids],
            None if is_new else Document.objects.filter(corpus=corpus),
        )
    }
    versions = {
        version.document_id: version.pk
        for version in _kept(
            [
                DocumentVersion(
                    document_id=documents[doc],
                    title=f"Title of {doc}",
                    fields={"brand": "Acme"},
                    content_hash=content_hash(f"Title of {doc}", {"brand": "Acme"}, ""),
                )
                for doc in external_ids
            ],
            None if is_new else DocumentVersion.objects.filter(document__corpus=corpus),
        )
    }
    bodies = [json.loads(text) if text.startswith("{") else text for text in results]
    identities = [query_identity(body, corpus.match_mode) for body in bodies]
    distinct: dict[str, Any] = {}
    for identity, body in zip(identities, bodies, strict=True):
        distinct.setdefault(identity, body)
    queries = {
        query.identity: query.pk
        for query in _kept(
            [
                Query(corpus_id=corpus.pk, text=query_text(body), body=body, identity=identity)
                for identity, body in distinct.items()
            ],
            None if is_new else Query.objects.filter(corpus=corpus),
        )
    }
    run_queries = RunQuery.objects.bulk_create(
        [
            RunQuery(
                run_id=run.pk,
                query_id=queries[identity],
                position=position,
                label=f"q{position}",
                body=body,
                text=query_text(body),
                candidate_count=len(docs),
            )
            for position, (identity, body, docs) in enumerate(
                zip(identities, bodies, results.values(), strict=True), start=1
            )
        ],
        batch_size=5000,
    )
    Candidate.objects.bulk_create(
        [
            Candidate(
                run_id=run.pk,
                run_query_id=run_query.pk,
                query_id=run_query.query_id,
                document_id=documents[doc],
                document_version_id=versions[documents[doc]],
                position=run_query.position,
                rank=rank,
            )
            for run_query, docs in zip(run_queries, results.values(), strict=True)
            for rank, doc in enumerate(docs, start=1)
        ],
        batch_size=5000,
    )
    return run


def _kept(rows: list[_Row], stored: QuerySet[_Row] | None) -> list[_Row]:
    """Write rows and return them, or write those that are not `stored` yet and return all that are."""
    if not rows:
        return []
    manager = type(rows[0])._default_manager
    if stored is None:
        return manager.bulk_create(rows, batch_size=5000)
    manager.bulk_create(rows, ignore_conflicts=True, batch_size=5000)
    return list(stored)


def make_provider(base_url: str = "http://127.0.0.1:9/v1", *, owner: User | None = None, **fields: Any) -> AIProvider:
    provider = AIProvider(
        **{
            "type": "custom",
            "name": f"provider {next(_numbers)}",
            "base_url": base_url,
            "shared": owner is None,
            "owner": owner,
            **fields,
        }
    )
    provider.save()
    return provider


def make_judge(provider: AIProvider | None = None, *, owner: User | None = None, **fields: Any) -> AIJudge:
    provider = provider or make_provider(owner=owner)
    judge = AIJudge.objects.create(
        **{
            "name": f"judge {next(_numbers)}",
            "ai_provider": provider,
            "model": "stub-model",
            "prompt_template": DEFAULT_PROMPT_TEMPLATE,
            "shared": owner is None,
            "owner": owner,
            **fields,
        }
    )
    JudgeVersion.objects.create(judge=judge, number=1, **judge.settings_dict())
    return judge


def candidate(run: EvaluationRun, text: str, external_id: str) -> Candidate:
    return Candidate.objects.get(run=run, run_query__text=text, document__external_id=external_id)


def make_certificate(sample: CheckSample, **fields: Any) -> Certificate:
    """Make a certificate of a sample without its rule having been looked at."""
    figure = {
        "value": 0.6, "low": 0.5, "high": 0.7, "low_total": 0.4, "high_total": 0.8,
        "method": "difference_by_document", "level": 0.95, "query_count": 92, "grade_count": 184,
        "refused_code": None, "is_rough": False,
    }  # fmt: skip
    run = sample.run
    record = {
        "goal": sample.goal, "metric": sample.metric, "corpus_seed": run.evaluation.corpus.seed, "scale": run.scale,
        "run": {"id": str(run.pk), "name": run.name, "evaluation": run.evaluation.name},
        "relevant_from": run.relevant_from, "judges": [{"judge": "Judge v1", "count": 920}],
        "query_count": 92, "population_count": 920, "grade_count": 184, "graded_share": 0.2, "skipped_share": 0.0,
        "people": [{"author": "ann", "count": 184}], "grades_per_candidate": 1.0,
        "estimate": figure, "width_ratio": 1.1, "effective": 0.65, "ai_alone": 0.7,
        "rule": {
            "variance": 0.0001, "query_variance": 0.001, "variance_share": 0.3225, "disagreements": 40,
            "is_exact_bound": False, "wanted_ratio": 1.15, "least_grades": 100,
        },
        "agreement": {"kappa_quadratic": figure}, "author": "ann@example.com", "issued_at": "2026-01-02T03:04:05+00:00",
    }  # fmt: skip
    return Certificate.objects.create(
        evaluation_run_id=run.pk,
        check_sample_id=sample.pk,
        metric=sample.metric,
        record=record,
        ranking_hash="0" * 64,
        grades_hash="0" * 64,
        relevant_from=run.relevant_from,
        checked_judgments_at=run.judgments_at,
        **fields,
    )


def make_golden_check(judge: AIJudge, run: EvaluationRun, *, text: str = "", **fields: Any) -> GoldenCheck:
    """Make a golden set of one pair, and a check of it that ended without a call being made."""
    golden_set = GoldenSet.objects.create(
        name=f"Watched{text}", evaluation_run=run, judge=judge, query_count=1, per_query=1
    )
    candidate = run.candidates.all()[0]
    GoldenPair.objects.create(
        golden_set=golden_set,
        position=0,
        run_query=candidate.run_query,
        document_version=candidate.document_version,
    )
    return GoldenCheck.objects.create(
        **{
            "golden_set": golden_set,
            "judge_version": judge.versions.all()[0],
            "is_baseline": False,
            "status": "completed",
            "outcome": "alarm",
            "models_returned": [f"model{text}"],
            "shift": 0.2,
            "z": 3.4,
            "flip_count": 40,
            **fields,
        }
    )


def make_probe_run(judge: AIJudge, run: EvaluationRun, *, text: str = "", **fields: Any) -> ProbeRun:
    """Make a probe run that has ended without a call being made: a failed probe with an example, and one not run."""
    reading = {
        "name": "relevant", "value": 0.1, "low": 0.03, "high": 0.24, "count": 3, "total": 30, "mark": "at_most",
        "mark_value": 0.0, "method": "exact", "refused_code": None, "is_met": False,
    }  # fmt: skip
    example = {
        "query_id": str(run.run_queries.all()[0].pk), "query": f"red shoes{text}", "candidate_id": f"d4{text}",
        "title": f"Title of d4{text}", "grade": 4, "compared_grade": None, "reasoning": f"It has the words{text}.",
    }  # fmt: skip
    ended = {"wanted_count": 30, "graded_count": 30, "reason": ""}
    results = [
        {**ended, "probe": "nonsense", "outcome": "failed", "readings": [reading], "examples": [example]},
        {
            **ended, "probe": "empty", "outcome": "not_run", "reason": "It takes 31 queries; the run has 2.",
            "graded_count": 0, "readings": [], "examples": [],
        },
    ]  # fmt: skip
    return ProbeRun.objects.create(
        **{
            "judge_version": judge.versions.all()[0],
            "evaluation_run": run,
            "status": "completed",
            "probes": ["nonsense", "empty"],
            "results": results,
            **fields,
        }
    )


def make_search_item(run: EvaluationRun | None = None, **fields: Any) -> SearchItem:
    """Make a run an executed one, with a search of its first query."""
    run = run or make_run(depth=10)
    search, _ = SearchRun.objects.get_or_create(evaluation_run=run, defaults={"status": run.status})
    return SearchItem.objects.create(search_run=search, run_query=run.run_queries.order_by("position")[0], **fields)


def make_analysis(evaluation: Evaluation | None = None, *, text: str = "") -> Analysis:
    """Make an analysis of two runs that have ended, each with an answer to its two queries."""
    analysis = Analysis.objects.create(evaluation=evaluation or make_evaluation(name=f"Analysis{text}"))
    first, second = f"red shoes{text}", "blue shirt"
    lists = ({first: ["d1", "d2"], second: ["d2"]}, {first: ["d2", "d3"], second: ["d2"]})
    for position, results in enumerate(lists):
        run = make_run(results, evaluation=analysis.evaluation, depth=10, name=f"Template {position}{text}")
        search = SearchRun.objects.create(
            evaluation_run=run,
            status="completed",
            query_template_name=run.name,
            query_template_version=1,
            total_count=len(results),
            answered_count=len(results),
        )
        SearchItem.objects.bulk_create(
            SearchItem(search_run=search, run_query=each, status="answered", returned=each.candidate_count)
            for each in run.run_queries.all()
        )
        AnalysisRun.objects.create(analysis=analysis, run=run, position=position)
    return analysis
