"""Probes as a kind of work: asked as a judging run asks, but their answers stay with their items."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from judging.asking.engine import Ask, JudgeSpec
from judging.asking.prompting import DEFAULT_PROMPT_TEMPLATE
from judging.judge_work.judge_kind import JudgeCaller, JudgeHandler, JudgeKind
from judging.models import Probe, ProbeItem, ProbeRun
from judging.probes.results import asked_document, store_results
from judging.work.words import Work


class ProbeKind(JudgeKind[ProbeRun]):
    """Probes of a judge version: a row for each question. Nothing here becomes a judgment."""

    title = "probe run"
    log_name = "probes"
    jobs = ProbeRun
    rows = ProbeItem
    job_field = "probe_run"

    def handler(self, job_id: UUID) -> "ProbeHandler":
        run = ProbeRun.objects.select_related("judge_version__ai_provider", "evaluation_run__evaluation").get(pk=job_id)
        return ProbeHandler(run.judge_version, run.evaluation_run)

    def follow_up(self, job_id: UUID) -> None:
        store_results(job_id)


class ProbeHandler(JudgeHandler[ProbeRun]):
    """One slice of a probe run."""

    job_field = "probe_run"
    has_several_subjects = True

    def open(self) -> "_Caller":
        return _Caller(self._connection, self.version, self.evaluation_run)

    def read(self, keys: Sequence[int]) -> list[Work[Ask]]:
        items = ProbeItem.objects.filter(pk__in=keys).select_related(
            "run_query", "candidate__document_version__document"
        )
        prompts: dict[int, list[ProbeItem]] = defaultdict(list)
        for item in items.order_by("prompt_number", "place"):
            prompts[item.prompt_number].append(item)
        return [
            Work(
                Ask(
                    query=group[0].run_query.body,
                    candidates=tuple(asked_document(item) for item in group),
                    keys=tuple(item.pk for item in group),
                    subject=group[0].probe,
                ),
                attempts=max(item.attempt_count for item in group),
            )
            for group in prompts.values()
        ]


class _Caller(JudgeCaller):
    def spec_for(self, ask: Ask) -> JudgeSpec:
        if ask.subject != Probe.PARAPHRASE:
            return self.spec
        return replace(self.spec, prompt=replace(self.spec.prompt, prompt_template=DEFAULT_PROMPT_TEMPLATE))
