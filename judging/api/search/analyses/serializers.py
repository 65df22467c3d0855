"""Analyses: what makes one, what it came to, and how alike the lists are query by query."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from judging.api.runs.search_block import SearchRunSerializer
from judging.api.runs.serializers import QueryField
from judging.foundation.limits import DEFAULT_DEPTH, MAX_ANALYSED_TEMPLATES, MAX_DEPTH, MAX_NAME
from judging.models import Analysis, AnalysisRun
from judging.rest.fields import CharField, IntegerField, ListField, Serializer, UUIDField
from judging.trust.comparisons.queries.baseline_table import BaselineRow, BaselineTable, Cell, SideSummary

_SUMMARY = tuple(SideSummary.__slots__)


class NewAnalysisSerializer(Serializer):
    """The inputs of an analysis."""

    name = CharField(max_length=MAX_NAME)
    endpoint_id = UUIDField()
    query_set_id = UUIDField()
    baseline = UUIDField(help_text="The id of the query template that the others are compared with.")
    query_template_ids = ListField(
        child=UUIDField(),
        min_length=1,
        max_length=MAX_ANALYSED_TEMPLATES + 1,
        help_text=f"1 to {MAX_ANALYSED_TEMPLATES}; the baseline among them is left out.",
    )
    depth = IntegerField(required=False, default=DEFAULT_DEPTH, min_value=1, max_value=MAX_DEPTH)


class AnalysisSerializer(serializers.Serializer[Any]):
    """An analysis with what its runs were made from."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    status = serializers.CharField(help_text="What its runs come to: under way while one is, else the worst end.")
    endpoint_id = serializers.UUIDField(allow_null=True)
    query_set_id = serializers.UUIDField(allow_null=True)
    baseline = serializers.UUIDField(allow_null=True, help_text="The baseline's query template.")
    query_template_ids = serializers.ListField(child=serializers.UUIDField(allow_null=True), help_text="The others.")
    depth = serializers.IntegerField()
    evaluation_id = serializers.UUIDField(help_text="It holds the runs: they are ordinary ones.")
    created_by = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()


class AnalysedTemplateSerializer(serializers.Serializer[Any]):
    """A template's run against the baseline's. Figures are null for the baseline, and until both runs have ended."""

    query_template_id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField()
    version = serializers.IntegerField(allow_null=True, help_text="null: the run has not started.")
    is_baseline = serializers.BooleanField()
    run_id = serializers.UUIDField()
    status = serializers.CharField()
    error = serializers.CharField()
    error_code = serializers.CharField()
    search = SearchRunSerializer()
    query_count = serializers.IntegerField(allow_null=True, help_text="Answered in both: what the means are of.")
    failed_count = serializers.IntegerField(
        allow_null=True, help_text="Without an answer in one of the two: counted nowhere."
    )
    empty_count = serializers.IntegerField(allow_null=True, help_text="Answered, and nothing was found.")
    identical_count = serializers.IntegerField(allow_null=True, help_text="The same first k in the same order.")
    mean_rbo = serializers.FloatField(allow_null=True)
    mean_jaccard = serializers.FloatField(allow_null=True)
    entered = serializers.IntegerField(allow_null=True)
    left = serializers.IntegerField(allow_null=True)
    moved = serializers.IntegerField(allow_null=True)


class BaselineListSerializer(serializers.Serializer[Any]):
    query_id = serializers.UUIDField(help_text="In the baseline's run.")
    returned = serializers.IntegerField(allow_null=True, help_text="null: no answer.")


class AnalysedListSerializer(serializers.Serializer[Any]):
    """A query in a template's run; figures are null when it or the baseline has no answer."""

    query_template_id = serializers.UUIDField(allow_null=True)
    run_id = serializers.UUIDField()
    query_id = serializers.UUIDField(allow_null=True)
    returned = serializers.IntegerField(allow_null=True, help_text="null: no answer.")
    rbo = serializers.FloatField(allow_null=True, help_text="Rank-biased overlap of the whole lists, extrapolated.")
    jaccard = serializers.FloatField(allow_null=True, help_text="Of the first k.")
    entered = serializers.IntegerField(allow_null=True, help_text="Among its first k and not the baseline's.")
    left = serializers.IntegerField(allow_null=True, help_text="Among the baseline's first k and not its own.")
    moved = serializers.IntegerField(allow_null=True, help_text="In both, at another rank.")


class AnalysedQuerySerializer(serializers.Serializer[Any]):
    query_key = serializers.CharField(help_text="Names the query in the corpus; the side-by-side view takes it.")
    query = QueryField()
    label = serializers.CharField()  # type: ignore[assignment]
    baseline = BaselineListSerializer()
    templates = AnalysedListSerializer(many=True)


class AnalysisDetailSerializer(AnalysisSerializer):
    """How alike the lists are: a mean for each template, then query by query once the baseline's run has ended."""

    k = serializers.IntegerField()
    p = serializers.FloatField()
    templates = AnalysedTemplateSerializer(many=True, help_text="The baseline first.")
    results = AnalysedQuerySerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


def analysis_body(analysis: Analysis) -> dict[str, Any]:
    """Return an analysis, read with its runs, as its serializer takes it."""
    first, *others = analysis.runs.all()
    search = first.run.search
    return {
        "id": analysis.pk,
        "name": analysis.evaluation.name,
        "status": analysis.status,
        "endpoint_id": search.endpoint_id,
        "query_set_id": search.query_set_id,
        "baseline": search.query_template_id,
        "query_template_ids": [each.run.search.query_template_id for each in others],
        "depth": first.run.depth,
        "evaluation_id": analysis.evaluation_id,
        "created_by": analysis.created_by_id,
        "created_at": analysis.created_at,
    }


def detail_body(analysis: Analysis, table: BaselineTable, rows: list[BaselineRow]) -> dict[str, Any]:
    """Return an analysis with figures and a page of its queries as its serializer takes it, without the links."""
    templates: dict[UUID, UUID | None] = {
        each.run_id: each.run.search.query_template_id for each in analysis.runs.all()
    }
    return analysis_body(analysis) | {
        "k": table.k,
        "p": table.p,
        "templates": [_template(each, table) for each in analysis.runs.all()],
        "results": [
            {
                "query_key": row.key,
                "query": row.query,
                "label": row.label,
                "baseline": _cell(row.baseline, templates),
                "templates": [_cell(cell, templates) for cell in row.cells],
            }
            for row in rows
        ],
    }


def _template(each: AnalysisRun, table: BaselineTable) -> dict[str, Any]:
    run, side = each.run, table.sides.get(each.run_id)
    summary = side.summary if side else None
    return {
        "query_template_id": run.search.query_template_id,
        "name": run.search.query_template_name or run.name,
        "version": run.search.query_template_version,
        "is_baseline": not each.position,
        "run_id": run.pk,
        "status": run.status,
        "error": run.error,
        "error_code": run.error_code,
        "search": run.search,
        **{name: getattr(summary, name, None) for name in _SUMMARY},
    }


def _cell(cell: Cell, templates: dict[UUID, UUID | None]) -> dict[str, Any]:
    values = {name: getattr(cell, name) for name in Cell.__slots__ if name != "run"}
    return values | {
        "query_template_id": templates[cell.run.pk],
        "run_id": cell.run.pk,
        "query_id": cell.run_query_id,
    }
