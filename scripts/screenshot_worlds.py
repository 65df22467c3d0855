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


def fill_all(stub: Any) -> dict[str, Any]:
    """Load the electronics collection; judge one run to its end with some failures, another halfway; run batches."""
    from judging.asking.prompting import DEFAULT_PROMPT_TEMPLATE
    from judging.judges.judges import save_judge
    from judging.judges.providers import save_provider
    from judging.judging_runs.starting import JudgingOptions, start_judging_run
    from judging.management.sample import load_sample
    from judging.models import BatchExecution, Evaluator, ResponseJudge, User
    from judging.responses.default_model import set_default_model
    from judging.responses.executions import create_batch
    from judging.responses.inputs import BatchInput
    from judging.responses.plans import plan_judge
    from judging.trust.samples.acts import create_check_sample
    from judging.work.slices import work_slice
    from judging.work.words import Turn
    from tests.draining import drain
    from tests.factories import make_certificate

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
    drain()
    stub.script(delay_ms=300)
    under_way = start_judging_run(
        evaluation_run=sample.title_run, judge=judge, actor=admin, options=JudgingOptions(depth=10)
    )
    for lane in under_way.lanes.all():
        work_slice(lane.pk, turn=Turn(shared=4, longest=4))

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
        **_check_samples(sample.fields_run, sample.title_run, admin),
        "ended": ended.pk,
        "check_sample": check_sample.pk,
        "certificate": certificate.pk,
        "under_way": under_way.pk,
        "judge": judge.pk,
        "provider": provider.pk,
        "batch": batch.pk,
        "evaluator": Evaluator.objects.order_by("name").values_list("pk", flat=True)[0],
        "response_judge": response_judge.pk,
    }


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
