"""Golden checks as a kind of work: asked as a judging run asks, but their answers stay with their items."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from judging.asking.engine import Ask
from judging.golden.conclusions import conclude_check
from judging.judge_work.judge_kind import JudgeHandler, JudgeKind, document_of
from judging.models import GoldenCheck, GoldenItem
from judging.work.words import Work


class GoldenCheckKind(JudgeKind[GoldenCheck]):
    """A golden set judged once, or several times for a baseline. Nothing here becomes a judgment."""

    title = "golden check"
    log_name = "golden"
    jobs = GoldenCheck
    rows = GoldenItem
    job_field = "golden_check"

    def handler(self, job_id: UUID) -> "GoldenCheckHandler":
        check = GoldenCheck.objects.select_related(
            "judge_version__ai_provider", "golden_set__evaluation_run__evaluation"
        ).get(pk=job_id)
        return GoldenCheckHandler(check.judge_version, check.golden_set.evaluation_run)

    def follow_up(self, job_id: UUID) -> None:
        conclude_check(job_id)


class GoldenCheckHandler(JudgeHandler[GoldenCheck]):
    """One slice of a golden check."""

    job_field = "golden_check"
    has_several_subjects = True

    def read(self, keys: Sequence[int]) -> list[Work[Ask]]:
        items = GoldenItem.objects.filter(pk__in=keys).select_related(
            "pair__run_query", "pair__document_version__document"
        )
        prompts: dict[int, list[GoldenItem]] = defaultdict(list)
        for item in items.order_by("prompt_number", "pair__position"):
            prompts[item.prompt_number].append(item)
        return [
            Work(
                Ask(
                    query=group[0].pair.run_query.body,
                    candidates=tuple(document_of(item.pair.document_version) for item in group),
                    keys=tuple(item.pk for item in group),
                    subject=str(group[0].pair.run_query_id),
                ),
                attempts=max(item.attempt_count for item in group),
            )
            for group in prompts.values()
        ]
