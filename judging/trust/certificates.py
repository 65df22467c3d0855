"""Certificates: that the value people would give a metric is known nearly as well as if they had graded everything."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from judging.foundation.errors import Conflict, NotFound
from judging.metrics import parse_metric
from judging.models import (
    AuthorKind,
    Certificate,
    CertificateStatus,
    CheckSample,
    EvaluationRun,
    Goal,
    Judgment,
    LockedJudgment,
    RunQuery,
)
from judging.records.audit import record_event
from judging.records.certificates import VoidReason
from judging.records.roles import Actor, require_member, user_of
from judging.statistics.estimates.by_document import DocumentEstimate
from judging.statistics.estimates.by_query import QueryEstimate
from judging.statistics.estimates.stopping import CERTIFIED_RATIO, CERTIFIED_VARIANCE_SHARE, MIN_CERTIFIED_GRADES
from judging.statistics.tables import Integers
from judging.trust.agreement import compare_sides
from judging.trust.estimates import run_estimates
from judging.trust.grades import NONE, PairIndex, RunGrades, check_completed, read_run_grades
from judging.trust.samples.items import Items
from judging.trust.samples.states import Reader, SampleState, sample_state

_CHUNK = 5000


def issue_certificate(*, sample: CheckSample, actor: Actor) -> Certificate:
    """Certify the metric of a check sample, once its rule holds. Each call makes a new certificate.

    A locked run is certified from its snapshot. Raise Forbidden, or Conflict: run_not_completed, or not_certified with
    what is `missing` in its details.
    """
    require_member(actor)
    run = sample.run
    check_completed(run)
    grades = read_run_grades(run)
    state = sample_state(sample, Reader([grades]))
    if sample.goal not in (Goal.CERTIFY, Goal.PRECISION) or not state.is_certified or state.look is None:
        raise Conflict("this metric is not certified yet", code="not_certified", details={"missing": _missing(state)})
    versions = _judges_of_record(run, state.look.plan.items)
    record = _record(sample, state, grades, versions, actor)
    with transaction.atomic():
        certificate = Certificate.objects.create(
            evaluation_run_id=run.pk,
            check_sample_id=sample.pk,
            metric=sample.metric,
            record=record,
            ranking_hash=_ranking_hash(state.look.plan.items),
            grades_hash=_grades_hash(state.look.plan.items, versions),
            relevant_from=run.relevant_from,
            checked_judgments_at=run.judgments_at,
            created_by=user_of(actor),
        )
        record_event(actor=actor, action="certificate_issued", subject=certificate, name=f"{run.name}: {sample.metric}")
    return certificate


def _missing(state: SampleState) -> dict[str, Any]:
    estimate = state.look.estimate if state.look is not None else None
    ratio = estimate.width_ratio if estimate is not None and not state.estimate.refused_code else None
    return {
        "status": state.status,
        "goal": state.sample.goal,
        "refused_code": state.estimate.refused_code,
        "graded_count": state.graded_count,
        "needed_count": state.needed_count,
        "needed_seconds": state.needed_seconds,
        "width_ratio": ratio,
        "wanted_ratio": CERTIFIED_RATIO,
    }


def _record(
    sample: CheckSample, state: SampleState, grades: RunGrades, versions: Sequence[str], actor: Actor
) -> dict[str, Any]:
    run, look = sample.run, state.look
    assert look is not None
    assert look.estimate is not None
    items, estimate = look.plan.items, look.estimate
    estimates, _ = run_estimates(run, grades)
    beside = estimates[sample.metric]
    agreement = compare_sides(run, grades, a="ai", b="people")
    by_person = Counter(grades.people.names[person] for person in grades.people.people[grades.people.is_blind])
    beginning = state.graded_count + state.skipped_count
    return {
        "goal": sample.goal,
        "metric": sample.metric,
        "run": {"id": str(run.pk), "name": run.name, "evaluation": run.evaluation.name},
        "corpus_seed": run.evaluation.corpus.seed,
        "scale": run.scale,
        "relevant_from": run.relevant_from,
        "judges": [{"judge": label, "count": count} for label, count in Counter(versions).most_common()],
        "query_count": int(items.counted[0].sum()),
        "population_count": state.population_count,
        "grade_count": state.graded_count,
        "graded_share": state.graded_count / state.population_count,
        "skipped_share": state.skipped_count / beginning if beginning else 0.0,
        "people": [{"author": name, "count": count} for name, count in by_person.most_common()],
        "grades_per_candidate": len(items.graded) / max(len(np.unique(items.graded_items)), 1),
        "estimate": asdict(state.estimate),
        "width_ratio": estimate.width_ratio,
        "rule": {**_rule(estimate), "wanted_ratio": CERTIFIED_RATIO, "least_grades": MIN_CERTIFIED_GRADES},
        "effective": beside.effective,
        "ai_alone": beside.ai_alone,
        "agreement": {
            name: asdict(agreement.figures[name]) for name in ("kappa_quadratic", "ac2_quadratic", "exact", "bias")
        },
        "author": str(actor),
        "issued_at": timezone.now().isoformat(),
    }


def _rule(estimate: DocumentEstimate | QueryEstimate) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "variance": estimate.variance,
        "query_variance": estimate.query_variance,
        "variance_share": CERTIFIED_VARIANCE_SHARE,
        "disagreements": estimate.disagreements,
    }
    if isinstance(estimate, DocumentEstimate):
        rule["is_exact_bound"] = estimate.is_exact_bound
    return rule


def get_certificate(certificate_id: UUID) -> Certificate:
    """Return a certificate as it stands now: void as soon as what it rests on has changed. Raise NotFound."""
    certificate = Certificate.objects.filter(pk=certificate_id).first()
    if certificate is None:
        raise NotFound("no such certificate")
    _check(Certificate.objects.filter(pk=certificate_id))
    certificate.refresh_from_db()
    return certificate


def certificates_of(run_id: UUID) -> list[Certificate]:
    """Return a run's certificates, newest first."""
    _check(Certificate.objects.filter(evaluation_run_id=run_id))
    return list(Certificate.objects.filter(evaluation_run_id=run_id).order_by("-created_at", "pk"))


def check_certificates() -> None:
    """Mark void what rests on grades, candidates or runs that have changed; cheap where nothing has."""
    _check(Certificate.objects.all())


def _check(certificates: QuerySet[Certificate]) -> None:
    run = EvaluationRun.objects.filter(pk=OuterRef("evaluation_run_id"))
    before = F("checked_judgments_at")
    suspects = certificates.filter(status=CertificateStatus.VALID).annotate(
        now_from=Subquery(run.values("relevant_from")), now_at=Subquery(run.values("judgments_at"))
    )
    suspects = suspects.filter(
        Q(now_from=None)
        | Q(now_from__lt=F("relevant_from"))
        | Q(now_from__gt=F("relevant_from"))
        | Q(now_at__gt=before)
        | Q(now_at__isnull=False, checked_judgments_at=None)
    )
    for certificate in suspects[:100]:
        _recheck(certificate)


def _recheck(certificate: Certificate) -> None:
    reason, judgments_at = _why_void(certificate)
    valid = Certificate.objects.filter(pk=certificate.pk, status=CertificateStatus.VALID)
    if reason:
        valid.update(status=CertificateStatus.VOID, voided_at=timezone.now(), void_reason=reason)
    else:
        valid.update(checked_judgments_at=judgments_at)


def _why_void(certificate: Certificate) -> tuple[VoidReason | None, Any]:
    """Compare a certificate with its run as it is now; return also of which state of the judgments that is."""
    run = EvaluationRun.objects.select_related("evaluation__corpus").filter(pk=certificate.evaluation_run_id).first()
    if run is None:
        return "run_deleted", None
    if run.relevant_from != certificate.relevant_from:
        return "relevant_from_changed", None
    judgments_at = run.judgments_at
    items = Reader([read_run_grades(run)]).plan(Goal.CERTIFY, parse_metric(certificate.metric), [run]).items
    if _ranking_hash(items) != certificate.ranking_hash:
        return "candidates_changed", None
    if _grades_hash(items, _judges_of_record(run, items)) != certificate.grades_hash:
        return "judge_of_record_changed", None
    return None, judgments_at


def _judges_of_record(run: EvaluationRun, items: Items) -> list[str]:
    """Return by item which judge version graded it, as its label and id; "" for none."""
    query_ids = RunQuery.objects.filter(run=run).order_by().values("query_id")
    rows: QuerySet[Any] = (
        LockedJudgment.objects.filter(run=run)
        if run.is_locked
        else Judgment.objects.filter(scale=run.scale, query_id__in=query_ids)
    )
    columns = ("query_id", "document_id", "judge_label", "judge_version_id")
    table = list(rows.filter(author_kind=AuthorKind.AI).values_list(*columns).iterator(chunk_size=_CHUNK))
    pairs = PairIndex(items.query_ids, items.queries, items.documents)
    places = pairs.find(_column(table, 0), _column(table, 1))
    found = [""] * len(items)
    for place, (_, _, label, version_id) in zip(places, table, strict=True):
        if place != NONE:
            found[place] = f"{label} ({version_id})" if version_id else label
    return found


def _column(table: Sequence[tuple[Any, ...]], index: int) -> Integers:
    return np.array([row[index] for row in table], dtype=np.int64)


def _ranking_hash(items: Items) -> str:
    order = _in_order(items)
    parts = (items.query_ids[items.queries][order], items.documents[order], items.ranks[0][order])
    return hashlib.sha256(b"".join(part.astype("<i8").tobytes() for part in parts)).hexdigest()


def _grades_hash(items: Items, versions: Sequence[str]) -> str:
    order = _in_order(items)
    digest = hashlib.sha256(items.ai[order].astype("<i8").tobytes())
    for index in order:
        digest.update(f"{versions[index]}\n".encode())
    return digest.hexdigest()


def _in_order(items: Items) -> Integers:
    return np.lexsort((items.documents, items.query_ids[items.queries]))


def certificate_dict(certificate: Certificate) -> dict[str, Any]:
    """Return a certificate as every interface and file has it: its record, and whether it is still valid."""
    return {
        "id": str(certificate.pk),
        "evaluation_run_id": str(certificate.evaluation_run_id),
        "check_sample_id": str(certificate.check_sample_id),
        "status": certificate.status,
        "voided_at": certificate.voided_at.isoformat() if certificate.voided_at else None,
        "void_reason": certificate.void_reason or None,
        **certificate.record,
    }
