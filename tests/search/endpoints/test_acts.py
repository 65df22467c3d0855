"""Search endpoints: what is checked when they are saved, what stays, and when one can't be deleted."""

from typing import Any

import pytest

from judging.corpora.corpora import delete_corpus
from judging.foundation.errors import Conflict, Invalid
from judging.models import AuditEvent, Corpus, EvaluationRun, SearchEndpoint, SearchRun, User
from judging.models.search.query_sets import SearchQuerySet
from judging.models.search.query_templates import QueryTemplate
from judging.search.endpoints.acts import (
    archive_endpoint,
    create_endpoint,
    delete_endpoint,
    restore_endpoint,
    update_endpoint,
)
from judging.search.endpoints.reads import endpoint_list
from tests.factories import make_evaluation
from tests.search.endpoints.making import TOKEN, make_endpoint


@pytest.mark.on_both
def test_a_new_endpoint_has_its_type_s_mapping_paging_and_method(member: User) -> None:
    endpoint = make_endpoint(member, type="elasticsearch")
    assert "hits.hits[]" in endpoint.candidates_mapping
    assert endpoint.paging["offset"] == "from"
    assert endpoint.method == "POST"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "http://169.254.169.254/latest/meta-data"),
        ("url", "http://user:pw@search.example.com/"),
        ("url", "ftp://search.example.com/"),
        ("headers", {"Authorization": "Bearer x"}),
        ("headers", {"X-Shop": "a\r\nb"}),
        ("headers", {f"X-{number}": "a" for number in range(31)}),
        ("paging", {"type": "sideways"}),
        ("candidates_mapping", "{total: "),
        ("candidates_mapping", "(" * 2_000 + "a" + ")" * 2_000),
        ("ca_certificate", "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----"),
        ("type", "lucene"),
        ("timeout", 121),
        ("name", ""),
        ("name", "a\0b"),
    ],
)
def test_what_can_t_work_is_refused_as_it_is_saved(member: User, field: str, value: Any) -> None:
    with pytest.raises(Invalid) as refused:
        make_endpoint(member, **{field: value})
    assert field in refused.value.errors
    assert not SearchEndpoint.objects.exists()


@pytest.mark.parametrize("authentication", [{"type": "bearer"}, {"type": "basic", "username": "x"}, {"type": "magic"}])
def test_authentication_that_lacks_something_is_refused(member: User, authentication: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        make_endpoint(member, authentication=authentication)
    assert list(refused.value.errors) == ["authentication"]


@pytest.mark.on_both
def test_two_endpoints_don_t_share_a_name(member: User) -> None:
    make_endpoint(member)
    with pytest.raises(Invalid, match="Another endpoint has this name"):
        make_endpoint(member)


def test_a_type_stays(member: User) -> None:
    endpoint = make_endpoint(member)
    with pytest.raises(Invalid, match="type of an endpoint can't be changed"):
        update_endpoint(actor=member, endpoint=endpoint, fields={"type": "solr"})


def test_stored_credentials_don_t_follow_the_address_to_another_host(member: User) -> None:
    endpoint = make_endpoint(member)
    update_endpoint(actor=member, endpoint=endpoint, fields={"url": "http://127.0.0.1:9/other"})
    with pytest.raises(Invalid, match="give the authentication again"):
        update_endpoint(actor=member, endpoint=endpoint, fields={"url": "http://127.0.0.1:10/search"})
    given = {"type": "bearer", "token": "another"}
    update_endpoint(actor=member, endpoint=endpoint, fields={"url": "http://127.0.0.1:10/search"}, authentication=given)
    endpoint.refresh_from_db()
    assert endpoint.authentication() == given


def test_no_secret_stands_in_an_audit_event_or_in_the_row(member: User) -> None:
    endpoint = make_endpoint(member)
    update_endpoint(actor=member, endpoint=endpoint, fields={}, authentication={"type": "bearer", "token": TOKEN})
    events = AuditEvent.objects.order_by("pk")
    assert [event.action for event in events] == ["endpoint_created", "endpoint_changed"]
    assert events[1].detail == {"fields": ["authentication"]}
    stored = [str(row) for model in (AuditEvent, SearchEndpoint) for row in model.objects.values()]
    assert TOKEN not in " ".join(stored)


@pytest.mark.on_both
def test_an_endpoint_that_an_evaluation_uses_is_not_deleted(member: User) -> None:
    endpoint = make_endpoint(member)
    sets, template = (
        SearchQuerySet.objects.create(name="Top", kind="text"),
        QueryTemplate.objects.create(name="All fields"),
    )
    evaluation = make_evaluation(endpoint.corpus, endpoint=endpoint, query_set=sets, query_template=template)
    with pytest.raises(Conflict) as refused:
        delete_endpoint(actor=member, endpoint=endpoint)
    assert refused.value.code == "in_use"
    other = Corpus.objects.create(name="Other")
    with pytest.raises(Conflict, match="its corpus stays"):
        update_endpoint(actor=member, endpoint=endpoint, fields={"corpus_id": other.pk})
    evaluation.delete()
    delete_endpoint(actor=member, endpoint=endpoint)
    assert not SearchEndpoint.objects.exists()


@pytest.mark.on_both
@pytest.mark.parametrize(("status", "is_refused"), [("queued", True), ("running", True), ("pending", False)])
def test_an_endpoint_that_a_run_is_asking_is_not_deleted(member: User, status: str, is_refused: bool) -> None:
    endpoint = make_endpoint(member)
    run = EvaluationRun.objects.create(evaluation=make_evaluation(), name="run", scale="graded", status=status)
    SearchRun.objects.create(evaluation_run=run, endpoint=endpoint, status=status)
    if is_refused:
        with pytest.raises(Conflict, match="a run is asking this endpoint"):
            delete_endpoint(actor=member, endpoint=endpoint)
    else:
        delete_endpoint(actor=member, endpoint=endpoint)
    assert SearchEndpoint.objects.exists() is is_refused


@pytest.mark.on_both
def test_an_archived_endpoint_leaves_the_list_and_comes_back(member: User) -> None:
    endpoint = make_endpoint(member)
    archive_endpoint(actor=member, endpoint=endpoint)
    archive_endpoint(actor=member, endpoint=endpoint)
    assert not endpoint_list(member).exists()
    assert endpoint_list(member, archived=True).get() == endpoint
    restore_endpoint(actor=member, endpoint=endpoint)
    assert endpoint_list(member).get() == endpoint
    # The second call changed nothing, so nothing is said of it.
    actions = list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["endpoint_created", "endpoint_archived", "endpoint_restored"]


@pytest.mark.on_both
def test_a_corpus_with_endpoints_is_not_deleted(member: User) -> None:
    endpoint = make_endpoint(member)
    with pytest.raises(Conflict) as refused:
        delete_corpus(actor=member, corpus=endpoint.corpus)
    assert refused.value.code == "corpus_in_use"


@pytest.mark.on_both
def test_an_endpoint_wants_a_corpus_that_exists(member: User) -> None:
    fields = {"type": "api", "name": "x", "url": "http://127.0.0.1:9/"}
    with pytest.raises(Invalid) as refused:
        create_endpoint(actor=member, fields={**fields, "corpus_id": member.pk})
    assert list(refused.value.errors) == ["corpus_id"]
