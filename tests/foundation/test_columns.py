"""Raw SQL finds what the ORM wrote, on either database."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from judging.foundation.columns import insert_returning_keys, insert_rows, is_one_of, time_param, uuid_param
from judging.models import Corpus, Document, DocumentVersion, Query, User

pytestmark = pytest.mark.on_both


def count_users(where: str, value: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM judging_user WHERE {where}", [value])
        return int(cursor.fetchone()[0])


def test_a_uuid_parameter_finds_its_row(member: User, rater: User) -> None:
    assert count_users("id = %s", uuid_param(member.pk)) == 1


def test_a_uuid_comes_back_as_its_parameter(member: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM judging_user")
        assert cursor.fetchall() == [(uuid_param(member.pk),)]


def test_a_time_parameter_finds_its_row_to_the_microsecond(member: User) -> None:
    moment = datetime(2026, 2, 3, 4, 5, 6, 789012, tzinfo=UTC)
    User.objects.filter(pk=member.pk).update(created_at=moment)
    assert count_users("created_at = %s", time_param(moment)) == 1
    assert count_users("created_at < %s", time_param(moment)) == 0


def test_no_time_stays_none() -> None:
    assert time_param(None) is None


def test_inserted_rows_read_back_as_they_were_given_and_conflicts_are_left_out(db: None) -> None:
    corpus = Corpus.objects.create(name="shop")
    row = (corpus.pk, "red", {"query": "red", "boost": [1.5]}, "identity")
    insert_rows(Query, ("corpus_id", "text", "body", "identity"), [row, row], ignore_conflicts=True)
    query = Query.objects.get()
    assert (query.corpus_id, query.text, query.body, query.identity) == row


def test_columns_that_inserted_rows_do_not_name_get_their_defaults(db: None) -> None:
    document = Document.objects.create(corpus=Corpus.objects.create(name="shop"), external_id="d1")
    insert_rows(DocumentVersion, ("document_id", "content_hash"), [(document.pk, "hash")])
    version = DocumentVersion.objects.get()
    assert (version.document, version.title, version.fields) == (document, "", {})
    assert version.created_at.tzinfo is not None


def test_keys_of_inserted_rows_come_in_their_order_however_many_there_are(db: None) -> None:
    corpus = Corpus.objects.create(name="shop")
    names = [f"d{number}" for number in range(700)]
    keys = insert_returning_keys(Document, ("external_id", "corpus_id"), [(name, corpus.pk) for name in names])
    found = Document.objects.in_bulk(keys)
    assert [found[key].external_id for key in keys] == names
    assert insert_returning_keys(Document, ("external_id", "corpus_id"), []) == []


def test_rows_are_found_by_many_values_at_once_whatever_stands_in_them(db: None) -> None:
    corpus = Corpus.objects.create(name="shop")
    names = ["plain", 'it\'s "quoted" {a,b}', "schön 👟", "back\\slash", "NULL"]
    Document.objects.bulk_create(Document(corpus=corpus, external_id=name) for name in [*names, "other"])
    keys = list(Document.objects.exclude(external_id="other").values_list("pk", flat=True))
    for column, values in (("external_id", names), ("id", keys), ("id", [])):
        condition, parameter = is_one_of(column, values)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT external_id FROM judging_document WHERE {condition}", [parameter])
            assert {name for (name,) in cursor.fetchall()} == (set(names) if values else set())
