"""AI judges: every change of what a version pins makes a version; who may make and see them; tests of them."""

import threading
from typing import Any

import pytest
from django.db import connection

from judging.asking.prompting import DEFAULT_PROMPT_TEMPLATE, PromptCandidate
from judging.foundation.errors import Conflict, Forbidden, Invalid, NotFound
from judging.judges import trials
from judging.judges.judges import delete_judge, duplicate_judge, save_judge
from judging.models import AIJudge, JudgeSettings, JudgeVersion, JudgingRun, User
from judging.records.visibility import visible_judges
from tests.factories import make_judge, make_provider, make_run, make_user
from tests.stub.fixtures import Stub
from tests.stub.script import expected_grade

CHANGES: dict[str, Any] = {
    "name": "another",
    "model": "another",
    "prompt_template": f"{DEFAULT_PROMPT_TEMPLATE} ",
    "system_prompt": "Be strict.",
    "batch_size": 5,
    "max_concurrency": 16,
    "include_images": True,
    "temperature": None,
    "max_output_tokens": 500,
    "timeout": 90,
    "max_retries": 2,
    "max_reasks": 0,
    "max_document_chars": 1000,
    "input_price": 0.1,
    "output_price": 0.2,
}


def fields(**changes: Any) -> dict[str, Any]:
    return {"name": "judge", "model": "m", "prompt_template": DEFAULT_PROMPT_TEMPLATE, **changes}


@pytest.mark.on_both
def test_a_judge_begins_with_version_1_of_what_it_is(member: User) -> None:
    judge = save_judge(actor=member, fields=fields(ai_provider_id=make_provider(owner=member).pk))
    version = judge.versions.get()
    assert (judge.version, version.number, version.created_by) == (1, 1, member)
    assert version.settings_dict() == AIJudge.objects.get().settings_dict()


def test_the_changes_tried_here_are_all_that_a_version_pins() -> None:
    assert CHANGES.keys() | {"ai_provider_id"} == set(JudgeSettings.setting_names())


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_of_what_a_version_pins_makes_the_next_version(member: User, name: str) -> None:
    judge = make_judge(owner=member)
    changed = save_judge(actor=member, judge=judge, fields={name: CHANGES[name]})
    assert changed.version == 2
    newest, first = judge.versions.all()
    assert [key for key, value in newest.settings_dict().items() if value != first.settings_dict()[key]] == [name]
    assert newest.settings_dict() == AIJudge.objects.get().settings_dict()


@pytest.mark.on_both
def test_another_description_owner_or_the_same_values_make_none(admin: User) -> None:
    judge = make_judge(make_provider(), owner=admin)
    save_judge(actor=admin, judge=judge, fields={"description": "x", "shared": True, **judge.settings_dict()})
    judge.refresh_from_db()
    assert (judge.version, judge.versions.count(), judge.description, judge.owner) == (1, 1, "x", None)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"prompt_template": "{{#each candidates}}"}, "prompt_template"),
        ({"prompt_template": "no candidates"}, "prompt_template"),
        ({"prompt_template": ""}, "prompt_template"),
        ({"batch_size": 51}, "batch_size"),
        ({"batch_size": 0}, "batch_size"),
        ({"timeout": 301}, "timeout"),
        ({"temperature": 2.5}, "temperature"),
        ({"max_reasks": 3}, "max_reasks"),
        ({"input_price": -1.0}, "input_price"),
        ({"output_price": 1e308}, "output_price"),
        ({"name": ""}, "name"),
        ({"model": "x" * 201}, "model"),
        ({"system_prompt": "x" * 100_001}, "system_prompt"),
        ({"description": "a\0b"}, "description"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(member: User, change: dict[str, Any], field: str) -> None:
    judge = make_judge(owner=member)
    with pytest.raises(Invalid) as refused:
        save_judge(actor=member, judge=judge, fields=change)
    assert field in refused.value.errors
    assert (AIJudge.objects.get().version, JudgeVersion.objects.count()) == (1, 1)


def test_a_judge_uses_providers_that_its_owner_sees(member: User, admin: User) -> None:
    foreign = make_provider(owner=make_user())
    for actor, judge in ((member, None), (member, make_judge(owner=member)), (admin, make_judge(owner=member))):
        with pytest.raises(Invalid) as refused:
            save_judge(actor=actor, judge=judge, fields=fields(ai_provider_id=foreign.pk))
        assert "ai_provider_id" in refused.value.errors


def test_a_shared_judge_needs_a_shared_provider_and_an_admin(member: User, admin: User) -> None:
    personal, shared = make_provider(owner=admin), make_provider()
    with pytest.raises(Forbidden):
        save_judge(actor=member, fields=fields(ai_provider_id=shared.pk, shared=True))
    with pytest.raises(Invalid) as refused:
        save_judge(actor=admin, fields=fields(ai_provider_id=personal.pk, shared=True))
    assert "ai_provider_id" in refused.value.errors
    judge = save_judge(actor=admin, fields=fields(ai_provider_id=shared.pk, shared=True))
    assert judge.owner is None
    with pytest.raises(Forbidden):
        save_judge(actor=member, judge=judge, fields={"name": "x"})
    with pytest.raises(NotFound):
        save_judge(actor=make_user(), judge=make_judge(owner=member), fields={"name": "x"})


@pytest.mark.on_both
def test_an_edit_on_top_of_another_is_refused_when_it_says_what_it_saw(member: User) -> None:
    judge = make_judge(owner=member)
    save_judge(actor=member, judge=judge, fields={"batch_size": 2}, expected_version=1)
    with pytest.raises(Conflict) as refused:
        save_judge(actor=member, judge=judge, fields={"batch_size": 3}, expected_version=1)
    assert refused.value.code == "judge_changed"


@pytest.mark.on_both
@pytest.mark.django_db(transaction=True)
def test_edits_at_the_same_moment_make_versions_of_their_own(member: User) -> None:
    judge = make_judge(owner=member)

    def edit(size: int) -> None:
        save_judge(actor=member, judge=judge, fields={"batch_size": size})
        connection.close()

    threads = [threading.Thread(target=edit, args=(size,)) for size in range(2, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(judge.versions.values_list("number", flat=True)) == [7, 6, 5, 4, 3, 2, 1]
    judge.refresh_from_db()
    assert judge.batch_size == judge.versions.all()[0].batch_size


@pytest.mark.on_both
def test_a_judge_that_has_runs_is_archived_and_any_other_deleted(member: User) -> None:
    unused, used = make_judge(owner=member), make_judge(owner=member)
    JudgingRun.objects.create(
        evaluation_run=make_run(), judge_version=used.versions.get(), provider_name="x", max_concurrency=1
    )
    assert delete_judge(actor=member, judge=unused) is False
    assert delete_judge(actor=member, judge=used) is True
    assert list(AIJudge.objects.all()) == [used]
    assert not visible_judges(member).exists()
    with pytest.raises(Conflict) as refused:
        save_judge(actor=member, judge=used, fields={"name": "x"})
    assert refused.value.code == "judge_archived"


def test_a_copy_is_personal_and_starts_at_version_1(member: User) -> None:
    judge = make_judge(name="x" * 200, batch_size=7)
    copy = duplicate_judge(actor=member, judge=judge)
    assert (copy.owner, copy.version, copy.batch_size, copy.name) == (member, 1, 7, "x" * 193 + " (copy)")


def test_a_trial_on_a_run_asks_about_its_first_candidates(member: User, stub: Stub) -> None:
    run = make_run({"red shoes": ["d1", "d2", "d3"]})
    judge = make_judge(make_provider(stub.base_url, owner=member), owner=member, batch_size=2)
    query = run.run_queries.get()
    test = trials.try_judge_on_run(judge=judge, evaluation_run_id=run.pk, query_id=query.pk, viewer=member)
    assert [(o.candidate_id, o.status, o.grade) for o in test.outcomes] == [
        (doc, "judged", expected_grade("red shoes", doc)) for doc in ("d1", "d2")
    ]
    assert "Title of d1" in test.prompt[-1]["content"]
    assert "<grade>" in test.reply
    assert test.input_tokens > 0
    assert not run.candidates.exclude(ai_grade=None).exists()
    for run_id, query_id in ((run.pk, judge.pk), (judge.pk, query.pk)):
        with pytest.raises(Invalid):
            trials.try_judge_on_run(judge=judge, evaluation_run_id=run_id, query_id=query_id, viewer=member)


def test_a_test_tells_failures_re_asks_and_what_the_provider_refused(member: User, stub: Stub) -> None:
    judge = make_judge(make_provider(stub.base_url, owner=member), owner=member)
    candidates = [PromptCandidate("a"), PromptCandidate("b"), PromptCandidate("c")]
    stub.script(by_candidate={"b": ["prose"], "c": "out_of_scale"})
    test = trials.try_judge_on_documents(judge=judge, query={"query": "q"}, candidates=candidates, scale="trec")
    assert [(o.candidate_id, o.status, o.failure_code) for o in test.outcomes] == [
        ("a", "judged", ""),
        ("b", "judged", ""),
        ("c", "failed", "out_of_scale"),
    ]
    assert sorted((call.candidate_ids[0], call.is_reask) for call in test.calls) == [
        ("a", False),
        ("b", False),
        ("b", True),
        ("c", False),
        ("c", True),
    ]
    stub.script(fault="401")
    test = trials.try_judge_on_documents(judge=judge, query="q", candidates=candidates, scale="trec")
    assert test.error_code == "authentication"
    assert {outcome.status for outcome in test.outcomes} == {"unanswered"}
    assert test.calls[0].error


@pytest.mark.parametrize(
    ("candidates", "scale", "field"),
    [([], "trec", "candidates"), (["a", "a"], "trec", "candidates"), (["a"], "stars", "scale")],
)
def test_a_test_that_cannot_be_made_is_refused(member: User, candidates: list[str], scale: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        trials.try_judge_on_documents(
            judge=make_judge(owner=member), query="q", candidates=list(map(PromptCandidate, candidates)), scale=scale
        )
    assert field in refused.value.errors


@pytest.mark.on_both
def test_a_price_from_before_there_was_a_bound_makes_no_infinite_cost() -> None:
    assert AIJudge(input_price=1e6).cost_of(10**6, 0) == 1e6
    assert AIJudge(input_price=1e308).cost_of(100, 0) is None
