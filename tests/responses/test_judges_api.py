"""Judges and evaluators over /v1: versions, pins, what is required, what stays."""

from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from judging.asking.presets import EVALUATOR_PRESETS, RESPONSE_JUDGE_PRESETS
from judging.judges.judges import delete_judge
from judging.models import Evaluator, EvaluatorVersion, ResponseJudge, ResponseJudgeVersion, User
from judging.records.roles import SYSTEM
from judging.responses.default_model import set_default_model
from judging.responses.preset_rows import ensure_presets
from tests.factories import make_judge as make_relevance_judge
from tests.factories import make_provider
from tests.responses.conftest import TEMPLATE, MakeJudge, create

pytestmark = pytest.mark.django_db
EVALUATORS, JUDGES = "/v1/evaluators/", "/v1/judges/"


def evaluator_body(**more: Any) -> dict[str, Any]:
    return {"name": "Mine", "intent": "fit?", "prompt_template": TEMPLATE.format(name="Mine"), **more}


def test_every_change_of_an_evaluator_makes_a_version(client: APIClient) -> None:
    made = client.post(EVALUATORS, evaluator_body(requires=["contexts", "request"]), format="json")
    assert made.status_code == 201, made.content
    first = made.json()
    assert first["requires"] == ["request", "contexts"]
    assert first["inputs"]["contexts"] == {"type": "array", "items": {"type": "string"}}
    url = f"{EVALUATORS}{first['id']}/"
    assert client.patch(url, {"name": "Mine"}, format="json").json()["version_id"] == first["version_id"]
    changed = client.patch(url, {"temperature": None, "timeout": 30}, format="json").json()
    assert changed["version_id"] != first["version_id"]
    assert (changed["temperature"], changed["timeout"]) == (None, 30)
    replaced = client.put(url, evaluator_body(), format="json").json()
    assert (replaced["temperature"], replaced["timeout"], replaced["requires"]) == (0.0, 60, [])
    assert EvaluatorVersion.objects.filter(evaluator_id=first["id"]).count() == 3
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"prompt_template": "{{#if request}}"}, "prompt_template"),
        ({"prompt_template": "says nothing"}, "prompt_template"),
        ({"prompt_template": "{{request}}", "requires": ["contexts"]}, "prompt_template"),
        ({"requires": ["mood"]}, "requires.0"),
        ({"model": "gpt"}, "model"),
        ({"ai_provider_id": str(uuid4()), "model": "gpt"}, "ai_provider_id"),
        ({"temperature": 3}, "temperature"),
        ({"timeout": 4}, "timeout"),
        ({"input_price": 1e308}, "input_price"),
        ({"output_price": 1_000_001}, "output_price"),
        ({"name": ""}, "name"),
        ({"name": "A"}, "name"),
        ({"name": " A "}, "name"),
    ],
)
def test_a_wrong_evaluator_is_refused(client: APIClient, wrong: dict[str, Any], field: str) -> None:
    answer = client.post(EVALUATORS, evaluator_body(**wrong), format="json")
    assert answer.status_code == 400
    assert field in answer.json(), answer.json()


@pytest.mark.parametrize("name", ["scoring_criteria", "prompt", "predicate"])
def test_an_evaluator_s_prompt_takes_the_vendor_clients_names(client: APIClient, name: str) -> None:
    body = evaluator_body()
    body[name] = body.pop("prompt_template")
    made = client.post(EVALUATORS, body, format="json").json()
    assert made["prompt_template"] == body[name]
    url = f"{EVALUATORS}{made['id']}/"
    changed = client.patch(url, {name: "new {{request}}", "change_note": "", "overwrite": False}, format="json")
    assert changed.json()["scoring_criteria"] == "new {{request}}"
    both = client.patch(url, {name: "{{request}}", "prompt_template": "{{response}}"}, format="json")
    assert (both.status_code, name in both.json()) == (400, True)


@pytest.mark.parametrize(
    ("member_name", "value"), [("project_id", "p1"), ("models", ["gpt"]), ("requiers", ["contexts"])]
)
def test_a_wish_that_is_not_known_is_refused_by_name(client: APIClient, member_name: str, value: Any) -> None:
    evaluator = client.post(EVALUATORS, evaluator_body(), format="json").json()
    judge_body = {"name": "Some judge", "evaluator_references": [{"id": evaluator["id"]}]}
    judge = client.post(JUDGES, judge_body, format="json").json()
    for url, body in ((EVALUATORS, evaluator_body()), (JUDGES, judge_body)):
        assert client.post(url, {**body, member_name: None}, format="json").status_code == 201
        refused = client.post(url, {**body, member_name: value}, format="json")
        assert (refused.status_code, member_name in refused.json()) == (400, True)
    for url in (f"{EVALUATORS}{evaluator['id']}/", f"{JUDGES}{judge['id']}/"):
        assert member_name in client.patch(url, {member_name: value}, format="json").json()


def test_evaluators_are_the_teams_so_a_personal_provider_is_refused(client: APIClient, member: User) -> None:
    body = evaluator_body(ai_provider_id=str(make_provider(owner=member).pk), model="m")
    assert "ai_provider_id" in client.post(EVALUATORS, body, format="json").json()


def test_a_judge_pins_an_evaluator_or_follows_its_latest(client: APIClient) -> None:
    pinned, followed = (client.post(EVALUATORS, evaluator_body(), format="json").json() for _ in range(2))
    references = [{"id": pinned["id"], "version_id": pinned["version_id"]}, {"id": followed["id"]}]
    body = {"name": "Both", "intent": "x", "evaluator_references": references}
    judge = client.post(JUDGES, body, format="json").json()
    for evaluator in (pinned, followed):
        client.patch(f"{EVALUATORS}{evaluator['id']}/", {"requires": ["contexts"]}, format="json")
    shown = client.get(f"{JUDGES}{judge['id']}/").json()
    assert shown["version_id"] == judge["version_id"]
    assert shown["evaluators"][0]["version_id"] == pinned["version_id"]
    assert shown["evaluators"][1]["version_id"] != followed["version_id"]
    assert shown["inputs"].keys() == {"contexts"}
    assert client.delete(f"{EVALUATORS}{followed['id']}/").json()["code"] == "evaluator_in_use"
    changed = client.patch(f"{JUDGES}{judge['id']}/", {"evaluator_references": references[:1]}, format="json").json()
    assert len(changed["evaluators"]) == 1
    assert ResponseJudgeVersion.objects.filter(judge_id=judge["id"]).count() == 2
    # It stood in an earlier version, which batches may still name: it is kept, out of sight.
    assert client.delete(f"{EVALUATORS}{followed['id']}/").status_code == 204
    assert Evaluator.objects.get(pk=followed["id"]).archived_at is not None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"evaluator_references": []}, "evaluator_references"),
        ({"evaluator_references": [{"id": str(uuid4())}]}, "evaluator_references"),
        ({"name": "ab"}, "name"),
        ({"max_concurrency": 0}, "max_concurrency"),
    ],
)
def test_a_wrong_judge_is_refused(client: APIClient, wrong: dict[str, Any], field: str) -> None:
    reference = {"id": str(Evaluator.objects.get(preset="relevance").pk)}
    answer = client.post(
        JUDGES, {"name": "Good name", "intent": "x", "evaluator_references": [reference], **wrong}, format="json"
    )
    assert answer.status_code == 400
    assert field in answer.json()


def test_a_judge_with_batches_is_archived_and_its_batches_stay(client: APIClient, make_judge: MakeJudge) -> None:
    judge = make_judge()
    batch_id = create(client, judge)
    assert client.delete(f"{JUDGES}{judge.pk}/").status_code == 204
    assert client.get(f"{JUDGES}{judge.pk}/").status_code == 404
    assert client.get(f"/v1/judges/batch-executions/{batch_id}/").json()["judge"]["id"] == str(judge.pk)
    assert ResponseJudge.objects.get(pk=judge.pk).archived_at is not None


def test_presets_are_made_once_and_a_changed_prompt_makes_a_version(db: None) -> None:
    assert set(Evaluator.objects.exclude(preset="").values_list("preset", flat=True)) == {
        preset.key for preset in EVALUATOR_PRESETS
    }
    assert ResponseJudge.objects.exclude(preset="").count() == len(RESPONSE_JUDGE_PRESETS)
    Evaluator.objects.filter(preset="tone").update(prompt_template="an older prompt {{response}}")
    ensure_presets(actor=SYSTEM)
    ensure_presets(actor=SYSTEM)
    tone = Evaluator.objects.get(preset="tone")
    assert tone.version == 2
    assert EvaluatorVersion.objects.filter(evaluator=tone).count() == 2


def test_the_installation_s_default_model_beats_the_environment_s(
    client: APIClient, admin: User, settings: Any
) -> None:
    settings.DEFAULT_MODEL = "Env/env-model"
    make_provider(name="Env")
    preset = ResponseJudge.objects.get(preset="relevance")
    set_default_model(actor=admin, ai_provider_id=make_provider(name="Page").pk, model="page-model")
    batch = client.get(f"/v1/judges/batch-executions/{create(client, preset)}/").json()
    assert [row["name"] for row in batch["evaluators"]] == ["Relevance"]
    chosen = Evaluator.objects.get(preset="relevance").versions.get().batch_evaluators.get()
    assert (chosen.provider_name, chosen.model) == ("Page", "page-model")


def test_a_short_relevance_judge_name_is_padded_for_vendor_clients(
    client: APIClient,
) -> None:
    short, long = make_relevance_judge(name="J1"), make_relevance_judge(name="J12")
    for judge, shown in ((short, "J1 (judge)"), (long, "J12")):
        assert client.get(f"{JUDGES}{judge.pk}/").json()["name"] == shown
        batch = client.get(f"/v1/judges/batch-executions/{create(client, judge)}/").json()
        assert batch["judge"]["name"] == shown
        # By this name it is found, too: no input is given, and that is all that is wrong.
        answer = client.post(f"{JUDGES}execute/by-name/?name={shown}", {}, format="json")
        assert (answer.status_code, "name" in answer.json()) == (400, False)


def test_a_relevance_judge_with_batches_is_archived(client: APIClient, admin: User) -> None:
    judge = make_relevance_judge()
    batch_id = create(client, judge)
    assert delete_judge(actor=admin, judge=judge) is True
    shown = client.get(f"/v1/judges/batch-executions/{batch_id}/").json()
    assert shown["judge"]["id"] == str(judge.pk)
    assert client.get(f"{JUDGES}{judge.pk}/").status_code == 404


def test_a_relevance_judge_is_shown_here_and_changed_elsewhere(client: APIClient) -> None:
    url = f"{JUDGES}{make_relevance_judge(description='is it relevant?').pk}/"
    shown = client.get(url).json()
    assert (shown["kind"], shown["intent"], list(shown["inputs"])) == (
        "relevance",
        "is it relevant?",
        ["request", "response"],
    )
    assert client.patch(url, {"name": "Other"}, format="json").status_code == 403
