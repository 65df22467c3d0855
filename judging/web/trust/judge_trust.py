"""How well a judge's versions agree with people: a page of the judge, and a column of the list of judges."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from judging.models import JudgeVersion
from judging.records.visibility import get_judge, visible_judges
from judging.trust.judge_agreement import VersionAgreement, version_agreements
from judging.web.base import PageRequest, member_required, page_of
from judging.web.golden.views import golden_context
from judging.web.probes.views import probes_context
from judging.web.trust.pictures import HeatMap, heat_map, interval_bar
from judging.web.trust.run_trust import bias_words

_VERSIONS = 25


@require_GET
@member_required
def judge_trust(request: PageRequest, judge_id: UUID) -> HttpResponse:
    """Show each version's agreement with people, over all runs it judged on one scale."""
    judge = get_judge(request.user, judge_id)
    page = page_of(request, judge.versions.order_by("-number"), size=_VERSIONS)
    found = version_agreements([version.pk for version in page.rows], scale=request.GET.get("scale", ""))
    rows = [(version, _row(found.get(version.pk))) for version in page.rows]
    newest = next((found[version.pk] for version in page.rows if version.pk in found), None)
    context = {
        "judge": judge,
        "page": page,
        "rows": rows,
        "newest": newest,
        "newest_version": next((version for version in page.rows if version.pk in found), None),
        "heat_map": _heat_map(newest) if newest else None,
        "ceiling": newest.ceiling() if newest else None,
        **probes_context(judge, page.rows, request.user),
        **golden_context(request, judge),
    }
    return render(request, "judging/trust/judge.html", context)


@require_GET
@member_required
def judges_agreement(request: PageRequest) -> HttpResponse:
    """Return the cells of a page of the list of judges, which are filled in after it is shown."""
    judges = list(visible_judges(request.user).filter(pk__in=_ids(request)).order_by("name", "pk"))
    current = {
        version.judge_id: version.pk
        for version in JudgeVersion.objects.filter(judge__in=judges)
        .order_by("judge_id", "number")
        .only("pk", "judge_id")
    }
    found = version_agreements(list(current.values()))
    cells = [(judge, _row(found.get(current[judge.pk]))) for judge in judges if judge.pk in current]
    return render(request, "judging/trust/_judge_cells.html", {"cells": cells})


def _ids(request: PageRequest) -> list[UUID]:
    ids = []
    for text in request.GET.getlist("judge")[:100]:
        try:
            ids.append(UUID(text))
        except ValueError:
            continue
    return ids


def _row(found: VersionAgreement | None) -> dict[str, Any] | None:
    if found is None:
        return None
    kappa = asdict(found.figure("kappa_quadratic"))
    return {
        "scale": found.scale,
        "pair_count": found.pair_count,
        "bar": interval_bar("", kappa),
        "kappa": kappa,
        "bias": bias_words(asdict(found.figure("bias"))),
        "exact": asdict(found.figure("exact")),
    }


def _heat_map(found: VersionAgreement) -> HeatMap:
    return heat_map(found.confusion, found.scale.name, lambda _row, _column: "")
