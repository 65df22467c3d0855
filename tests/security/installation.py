"""An installation in which something of everything exists, so that every route has something to show."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from judging.foundation.limits import MAX_VIEW_NAME
from judging.judges.providers import save_provider
from judging.judging_runs.starting import start_judging_run
from judging.models import (
    AIJudge,
    AIProvider,
    Analysis,
    ApiToken,
    BatchExecution,
    Candidate,
    Certificate,
    Corpus,
    EvaluationRun,
    Evaluator,
    ExecutionLog,
    GoldenCheck,
    GoldenSet,
    GridView,
    Invitation,
    JudgingRun,
    ProbeRun,
    QueryTemplate,
    ResponseJudge,
    SearchEndpoint,
    SearchQuerySet,
    User,
)
from judging.people.accounts import invite_member
from judging.people.tokens import create_token
from judging.responses.executions import create_batch
from judging.responses.inputs import BatchInput
from judging.responses.plans import plan_judge
from judging.review.own_views import save_view
from judging.search.endpoints.acts import create_endpoint
from judging.trust.samples.acts import create_check_sample
from tests.draining import drain
from tests.factories import (
    make_analysis,
    make_certificate,
    make_evaluation,
    make_golden_check,
    make_judge,
    make_probe_run,
    make_run,
)
from tests.search.setting_up import make_query_set, make_template
from tests.security.routes import Route

PASSWORD = "secret-pass-1"  # what tests.factories gives to everybody


@dataclass(slots=True)
class Installation:
    """What stands in it. Provider and judge are personal, owned by `owner`; token and invitation secrets are kept."""

    owner: User
    provider: AIProvider
    judge: AIJudge
    run: EvaluationRun
    judging_run: JudgingRun
    batch: BatchExecution
    token: ApiToken
    token_secret: str
    invitation: Invitation
    invitation_secret: str
    _ids: dict[str, Any] = field(default_factory=dict)

    @property
    def ids(self) -> Mapping[str, Any]:
        """The value of every parameter that a route may have, as it was when first asked for."""
        if not self._ids:
            self._ids.update(self._read_ids())
        return self._ids

    def _read_ids(self) -> dict[str, Any]:
        log = ExecutionLog.objects.order_by("created_at").first()
        evaluator = Evaluator.objects.order_by("name").first()
        candidate = Candidate.objects.filter(run=self.run).order_by("pk").first()
        assert log is not None
        assert evaluator is not None
        assert candidate is not None
        return {
            "run_id": self.run.pk,
            "other_run_id": self.run.pk,
            "evaluation_id": self.run.evaluation_id,
            "corpus_id": self.run.evaluation.corpus_id,
            "candidate_pk": candidate.pk,
            "query_id": self.run.run_queries.all()[0].pk,
            "query_key": self.run.run_queries.all()[0].query.identity,
            "judging_run_id": self.judging_run.pk,
            "provider_id": self.provider.pk,
            "judge_id": self.judge.pk,
            "evaluator_id": evaluator.pk,
            "batch_id": self.batch.pk,
            "other_batch_id": self.batch.pk,
            "item_index": 0,
            "index": 0,
            "log_id": log.pk,
            "token_id": self.token.pk,
            "invitation_id": self.invitation.pk,
            "member_id": self.owner.pk,
            "secret": "not-the-secret-of-any-invitation",
            "number": 1,
            "version_id": self.judge.versions.all()[0].pk,
            "sample_id": self.run.check_samples.all()[0].pk,
            "certificate_id": Certificate.objects.get().pk,
            "endpoint_id": SearchEndpoint.objects.get().pk,
            "probe_run_id": ProbeRun.objects.get().pk,
            "query_set_id": SearchQuerySet.objects.get().pk,
            "query_template_id": QueryTemplate.objects.get().pk,
            "analysis_id": Analysis.objects.get().pk,
            "golden_set_id": GoldenSet.objects.get().pk,
            "check_id": GoldenCheck.objects.get().pk,
            "view_id": GridView.objects.get().pk,
        }

    def path(self, route: Route) -> str:
        """Return the address of a route. Below /batches a judge is a response judge, which is the team's."""
        ids = dict(self.ids)
        if route.template.startswith("/batches/"):
            judge = ResponseJudge.objects.order_by("name").first()
            assert judge is not None
            ids["judge_id"] = judge.pk
        return route.path(ids)


def install(
    *,
    owner: User,
    admin: User,
    base_url: str = "http://127.0.0.1:9/v1",
    api_key: str = "sk-1234",
    judged: bool = False,
    text: str = "",
) -> Installation:
    """Make one of everything; `judged` works on it, too: that needs a provider that answers, and real transactions.

    `text` stands in every name, title, query, tag and description.
    """
    provider = save_provider(
        actor=owner, fields={"type": "custom", "name": f"Hidden service{text}", "base_url": base_url}, api_key=api_key
    )
    judge = make_judge(
        provider, owner=owner, name=f"Personal judge{text}", description=text, max_concurrency=2, max_retries=0
    )
    corpus = Corpus.objects.create(name=f"Corpus{text}", description=text)
    create_endpoint(
        actor=owner,
        fields={"corpus_id": corpus.pk, "name": f"Engine{text}", "type": "api", "url": "http://127.0.0.1:9/search"},
        authentication={"type": "bearer", "token": api_key},
    )
    evaluation = make_evaluation(corpus, name=f"Evaluation{text}", description=text)
    results = {f"red shoes{text}": [f"d1{text}", f"d2{text}"], "blue shirt": [f"d2{text}", "d4"]}
    run = make_run(results, evaluation=evaluation, name=f"baseline{text}")
    sample = create_check_sample(run=run, goal="certify", metric="P@10", actor=owner)
    make_certificate(sample)
    make_probe_run(judge, run, text=text)
    save_view(name=f"View{text}"[:MAX_VIEW_NAME], query=urlencode({"search": text or "shoes"}), actor=owner)
    make_query_set(*({"query": f"{word} shoes{text}", "shop": text} for word in ("red", "blue")), name=f"Set{text}")
    make_template('{"q": "{{query}}"}', name=f"Template{text}", description=text, headers={"X-Shop": "{{shop}}"})
    make_golden_check(judge, run, text=text)
    make_analysis(text=text)
    judging_run = start_judging_run(evaluation_run=run, judge=judge, actor=owner)
    batch = create_batch(
        actor=owner,
        plan=plan_judge(actor=owner, judge_id=judge.pk),
        inputs=[BatchInput(request=f"red shoes{text}", response=f"Red running shoes{text}", user_id=f"u{text}")],
        tags=[f"nightly{text}"],
    )
    if judged:
        drain()
    else:
        item = batch.items.all()[0]
        ExecutionLog.objects.create(item=item, executed_item_name=judge.name, execution_type="judge")
    token, token_secret = create_token(actor=owner, user=owner, name=f"ci{text}"[:100])
    invitation, invitation_secret = invite_member(actor=admin, email="new@example.com")
    for row in (judging_run, batch):
        row.refresh_from_db()
    return Installation(
        owner, provider, judge, run, judging_run, batch, token, token_secret, invitation, invitation_secret
    )


def browser_of(user: User, *, csrf: bool = False) -> Client:
    """Return a browser with a session of `user`, in which a broken page is a 500 and no exception."""
    client = Client(enforce_csrf_checks=csrf, raise_request_exception=False)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client
