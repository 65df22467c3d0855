"""What the screenshots show: an installation nobody has used, and a team at work with every kind of outcome."""

from typing import Any

FAULTS = {"prose": 0.01, "out_of_scale": 0.01, "empty_choices": 0.005}
TEXTS = (
    ("What is the capital of France?", "Paris is the capital and largest city of France."),
    ("What is the capital of Spain?", "Madrid is the capital of Spain."),
    ("How do I return a parcel?", "You cannot. All sales are final, and please do not ask again."),
    ("Which batteries fit a TV remote?", "Most remotes take two AAA cells; look inside the battery compartment."),
)


def fill_nothing() -> dict[str, Any]:
    """Make the people, and nothing to look at."""
    from judging.models import Role
    from judging.people.accounts import create_user, invite_member
    from judging.people.tokens import create_token
    from judging.records.roles import SYSTEM

    admin = create_user(
        actor=SYSTEM, email="ada@example.com", password="a-password-of-ada", role=Role.ADMIN, name="Ada Lovelace"
    )
    rater = create_user(email="grace@example.com", password="a-password-of-grace", role=Role.RATER, actor=admin)
    create_user(email="joan@example.com", password="a-password-of-joan", name="Joan Clarke", actor=admin)
    _, secret = invite_member(actor=admin, email="new.colleague@example.com", role=Role.MEMBER)
    create_token(actor=admin, user=admin, name="nightly evaluation in CI")
    create_token(actor=admin, user=admin, name="notebook")
    return {"admin": admin, "rater": rater, "invitation": secret}


_CHECKED: dict[str, Any] = {"compared_count": 200, "models_returned": ["acme-large-2026-10"]}


def _golden_history(newest: Any) -> None:
    """Give a golden set the weeks before its newest check: a baseline, quiet checks, another model."""
    from datetime import timedelta

    from judging.models import GoldenCheck, GoldenSet

    golden_set = newest.golden_set
    GoldenSet.objects.filter(pk=golden_set.pk).update(
        name="Weekly, product search", query_count=40, per_query=5, every_days=7
    )
    before = {**_CHECKED, "models_returned": ["acme-large-2026-07"]}
    weeks: list[dict[str, Any]] = [
        {"outcome": "baseline", "is_baseline": True, "baseline_reason": "first", **before},
        *({"outcome": "quiet", "shift": z * 0.06, "z": z, "flip_count": 9, **before} for z in (0.4, -0.9, 1.3, 0.2)),
        {"outcome": "model_changed", "models_returned": ["acme-large-2026-10"]},
        {"outcome": "baseline", "is_baseline": True, "baseline_reason": "model_changed", **_CHECKED},
        *({"outcome": "quiet", "shift": z * 0.06, "z": z, "flip_count": 9, **_CHECKED} for z in (-0.3, 1.1, 1.9)),
        {"outcome": "watch", "shift": 0.15, "z": 2.4, "flip_count": 31, **_CHECKED},
    ]
    for number, fields in enumerate(reversed(weeks), 1):
        GoldenCheck.objects.create(
            golden_set=golden_set,
            judge_version=newest.judge_version,
            status="completed",
            created_at=newest.created_at - timedelta(days=7 * number),
            **{"is_baseline": False, **fields},
        )


def fill_all(stub: Any) -> dict[str, Any]:
    """Load the electronics collection; judge one run to its end with some failures, another halfway; run batches."""
    from judging.asking.prompting import DEFAULT_PROMPT_TEMPLATE
    from judging.judges.judges import save_judge
    from judging.judges.providers import save_provider
    from judging.judging_runs.starting import JudgingOptions, start_judging_run
    from judging.management.sample import load_sample
    from judging.models import BatchExecution, Evaluator, ResponseJudge, User
    from judging.probes.acts import start_probes
    from judging.responses.default_model import set_default_model
    from judging.responses.executions import create_batch
    from judging.responses.inputs import BatchInput
    from judging.responses.plans import plan_judge
    from judging.runs.query_tags import change_query_tags
    from judging.trust.samples.acts import create_check_sample
    from judging.work.slices import work_slice
    from judging.work.words import Turn
    from tests.draining import drain
    from tests.factories import make_certificate, make_golden_check

    sample = load_sample(lambda text: None)
    admin = User.objects.get(email="ada@example.com")
    provider = save_provider(
        actor=admin, fields={"type": "custom", "name": "Acme models", "base_url": stub.base_url, "shared": True}
    )
    settings = {
        "name": "Careful shopper",
        "ai_provider_id": provider.pk,
        "model": "acme-large",
        "prompt_template": DEFAULT_PROMPT_TEMPLATE,
        "shared": True,
        "max_concurrency": 16,
        "max_reasks": 0,
        "input_price": 1.25,
        "output_price": 10,
        "description": "Judges as somebody would who wants to buy, not to read about it.",
    }
    judge = save_judge(actor=admin, fields=settings)
    template = DEFAULT_PROMPT_TEMPLATE.replace(
        "an expert judge of search results", "a shopper who knows what they want"
    )
    judge = save_judge(actor=admin, judge=judge, fields={"prompt_template": template, "temperature": None})

    stub.script(mix=FAULTS, seed=4, fault_attempts=9)
    ended = start_judging_run(evaluation_run=sample.fields_run, judge=judge, actor=admin)
    queries = list(sample.fields_run.run_queries.order_by("position").values_list("pk", flat=True))
    for tags, places in (("head", slice(0, 8)), ("long tail, en", slice(20, None)), ("buy", slice(None, None, 2))):
        change_query_tags(run=sample.fields_run, actor=admin, run_query_ids=queries[places], add=tags)
    drain()
    keys = list(sample.fields_run.candidates.order_by("pk").values_list("document__external_id", flat=True))
    stub.script(grades={key: index % 2 + 2 for index, key in enumerate(keys[::6])}, seed=4)
    judge = save_judge(
        actor=admin, judge=judge, fields={"prompt_template": f"{template}\n\nBe strict with accessories."}
    )
    trial = start_judging_run(
        evaluation_run=sample.fields_run, judge=judge, actor=admin, options=JudgingOptions(trial=True, query_limit=40)
    )
    drain()
    stub.script(delay_ms=300)
    under_way = start_judging_run(
        evaluation_run=sample.title_run, judge=judge, actor=admin, options=JudgingOptions(depth=10)
    )
    for lane in under_way.lanes.all():
        work_slice(lane.pk, turn=Turn(shared=4, longest=4))

    for metric, count in (("P@10", 160), ("NDCG@10", 0)):
        compared = create_check_sample(
            run=sample.fields_run, actor=admin, goal="compare", metric=metric, other_run=sample.title_run
        )
        _grade(compared, count)
    embedded, strict = (
        _other_run(sample.fields_run, name, relevant_from, admin)
        for name, relevant_from in (("embedding, top results re-ranked", 1), ("strict", 2))
    )
    probed = start_probes(judge=judge, evaluation_run=sample.fields_run, actor=admin, version=1)
    stub.script(delay_ms=0)
    for lane in probed.lanes.all():
        work_slice(lane.pk)
    _golden_history(make_golden_check(judge, sample.fields_run, shift=0.21, z=3.4, flip_count=44, **_CHECKED))

    check_sample = create_check_sample(run=sample.fields_run, goal="certify", metric="P@10", actor=admin)
    certificate = make_certificate(check_sample)

    set_default_model(actor=admin, ai_provider_id=provider.pk, model="acme-large")
    inputs = [BatchInput(request=request, response=response) for request, response in TEXTS]
    response_judge = ResponseJudge.objects.order_by("name").first()
    assert response_judge is not None
    stub.script(mix={"prose": 0.15}, seed=2, fault_attempts=9)
    batch: BatchExecution = create_batch(
        actor=admin, plan=plan_judge(actor=admin, judge_id=response_judge.pk), inputs=inputs, tags=["my-app-v1.2"]
    )
    work_slice(batch.lanes.get().pk)
    stub.script(delay_ms=50)
    return {
        "admin": admin,
        "rater": User.objects.get(email="grace@example.com"),
        "run": sample.fields_run,
        "title_run": sample.title_run,
        "embedded": embedded,
        "strict": strict,
        **_check_samples(sample.fields_run, sample.title_run, admin),
        "ended": ended.pk,
        "trial": trial.pk,
        "check_sample": check_sample.pk,
        "certificate": certificate.pk,
        "under_way": under_way.pk,
        "judge": judge.pk,
        "provider": provider.pk,
        **_queries_and_template(admin),
        **_search_runs(admin),
        **_analyses(admin),
        "endpoint": _endpoint(stub, sample.fields_run.evaluation.corpus_id, admin),
        "batch": batch.pk,
        "evaluator": Evaluator.objects.order_by("name").values_list("pk", flat=True)[0],
        "response_judge": response_judge.pk,
    }


def _queries_and_template(admin: Any) -> dict[str, Any]:
    """Make the awkward queries, and a template in two versions."""
    from judging.search.query_sets.sets import create_awkward_queries
    from judging.search.query_templates.templates import save_query_template

    fields = {"name": "All fields", "body": '{\n  "query": "{{query}}",\n  "size": {{size}}\n}\n'}
    template = save_query_template(actor=admin, fields=fields)
    changed = {"body": '{\n  "q": {{toJson query}},\n  "size": {{size}},\n  "from": {{offset}}\n}\n'}
    save_query_template(actor=admin, fields=changed, template=template)
    return {"query_set": create_awkward_queries(actor=admin).pk, "query_template": template.pk}


def _search_runs(admin: Any) -> dict[str, Any]:
    """Make an evaluation that searches the demo's engine, which fails now and then; one run has ended, one is queued."""
    from judging.models import SearchRun
    from judging.search.runs.searches import searches
    from tests.draining import drain
    from tests.search.runs.searching import engine, make_search_evaluation, start_run

    with engine("500:0.3") as server:
        evaluation = make_search_evaluation(server.url, max_retries=0)
        run = start_run(evaluation, admin)
        drain()
    failed = searches(run, "failed").first() or searches(run).first()
    queued = start_run(evaluation, admin)
    SearchRun.objects.filter(pk=queued.pk).update(answered_count=2, throttle="provider_limit")
    return {
        "search_evaluation": evaluation.pk,
        "search_run": run.pk,
        "search_queued": queued.pk,
        "search_failed": failed.run_query_id,
    }


def _endpoint(stub: Any, corpus_id: Any, admin: Any) -> Any:
    """Make an endpoint of the list of models: it answers a list that its mapping does not find."""
    from judging.search.endpoints.acts import create_endpoint

    fields = {"type": "api", "name": "Shop search", "url": f"{stub.base_url}/models", "corpus_id": corpus_id}
    return create_endpoint(actor=admin, fields={**fields, "tls_verify": False}).pk


def _grade(check_sample: Any, count: int) -> None:
    """Have a rater grade the beginning of a check sample, a little stricter than the AI."""
    from judging.models import User
    from judging.trust.samples.handing_out import next_items
    from tests.review.giving import GivenGrade, record_judgments

    rater = User.objects.get(email="grace@example.com")
    while count > 0 and (items := next_items(sample=check_sample, actor=rater, count=min(count, 100)).items):
        by_run: dict[Any, list[GivenGrade]] = {}
        for number, item in enumerate(items):
            row = item.candidate
            grade = max((row.ai_grade or 0) - (number % 3 == 0), 0)
            given = GivenGrade(row.run_query_id, row.document.external_id, grade, saw_ai_grade=False)
            by_run.setdefault(row.run_id, []).append(given)
        for grades in by_run.values():
            record_judgments(grades=grades, actor=rater)
        count -= len(items)


def _other_run(like: Any, name: str, relevant_from: int, actor: Any) -> Any:
    """Import the lists of a run with their beginnings turned round, as an engine with a model might rank them."""
    from judging.runs.importing.results import InlineResults
    from judging.runs.importing.run_import import import_run

    results = []
    for number, row in enumerate(like.run_queries.order_by("position")):
        candidates = [
            {"id": each.document.external_id, "title": each.document_version.title}
            for each in row.candidates.select_related("document", "document_version").order_by("rank")
        ]
        if number % 2:
            candidates[:6] = candidates[5::-1]
        results.append({"query": row.body, "query_id": row.label, "candidates": candidates})
    return import_run(
        evaluation=like.evaluation,
        actor=actor,
        name=name,
        scale=like.scale,
        metrics=like.metrics,
        relevant_from=relevant_from,
        engine_model="acme-embed-2",
        source=InlineResults(results),
    ).run


def _check_samples(run: Any, other: Any, admin: Any) -> dict[str, Any]:
    """Grade a sample until there is an estimate, and start others."""
    from judging.ledger import PersonGrade
    from judging.review.judgments import record_judgments
    from judging.trust.samples.acts import create_check_sample
    from judging.trust.samples.handing_out import next_items

    sample = create_check_sample(run=run, goal="certify", metric="SDCG@10", actor=admin)
    for count in (90, 40):
        items = next_items(sample=sample, actor=admin, count=count).items
        grades = [
            PersonGrade(item.candidate.pk, (item.candidate.ai_grade or 0) if item.position % 4 else 1, "", False)
            for item in items
        ]
        record_judgments(run=run, grades=grades, actor=admin)
    compared = create_check_sample(run=run, other_run=other, goal="compare", metric="P@10", actor=admin)
    create_check_sample(run=run, goal="precision", metric="NDCG@10", half_width=0.05, actor=admin)
    return {"sample": sample.pk, "compared": compared.pk}


def _analyses(admin: Any) -> dict[str, Any]:
    """Make an analysis of four templates that has ended, a few searches failed, and one under way."""
    from judging.models import SearchRun
    from judging.work.slices import work_slice
    from tests.search.analyses.analysing import ALL, SAME, SHIRTS, start_analysis
    from tests.search.runs.searching import engine

    queries = [f"{colour} {thing}" for colour in ("red", "blue", "green", "old") for thing in ("shoes", "shirt", "hat")]
    with engine("500:0.2") as server:
        started = start_analysis(server.url, admin, SAME, SHIRTS, ALL, queries=tuple(queries))
        for each in started.runs.all():
            # Alone: what else is queued is to be seen waiting.
            work_slice(each.run.search.lanes.get().pk)
    under_way = start_analysis(server.url, admin, SAME, ALL, queries=tuple(queries))
    SearchRun.objects.filter(pk=under_way.runs.all()[0].run_id).update(answered_count=7)
    return {"analysis": started.pk, "analysis_under_way": under_way.pk}
