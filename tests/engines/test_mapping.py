"""Answers of engines become candidates, or fail with what is wrong."""

import json
from typing import Any

import pytest

from judging.engines.mapping import InvalidMapping, MappingFailed, compile_mapping, suggest_mappings
from judging.engines.presets import PRESETS
from judging.foundation.limits import MAX_DOCUMENT_KEY, MAX_FIELD_DEPTH
from tests.engines.answers import ANSWERS, DATASETTE, EMPTY_ANSWERS, GROONGA

PLAIN = compile_mapping("{total: total, candidates: hits}")


def failure_of(expression: str, answer: Any) -> MappingFailed:
    with pytest.raises(MappingFailed) as caught:
        compile_mapping(expression).read(answer, 10)
    return caught.value


@pytest.mark.parametrize(("name", "kind", "answer"), ANSWERS, ids=[name for name, _, _ in ANSWERS])
def test_a_preset_reads_the_answers_of_its_engine(name: str, kind: str, answer: Any) -> None:
    page = compile_mapping(PRESETS[kind].candidates_mapping).read(answer, 10)

    assert page.total == 41
    assert [one.title for one in page.candidates] == ["Red shoes", "Blue shoes"]
    keys = [one.id.removeprefix("id:shop:product::") for one in page.candidates]
    assert keys == (["22", "11"] if kind == "meilisearch" else ["b-2", "a-1"])
    assert "title" in page.candidates[0].fields


@pytest.mark.parametrize(("kind", "answer"), EMPTY_ANSWERS)
def test_a_preset_tells_an_empty_list_from_none(kind: str, answer: Any) -> None:
    mapping = compile_mapping(PRESETS[kind].candidates_mapping)

    page = mapping.read(answer, 10)

    assert (page.total, page.candidates) == (0, [])
    with pytest.raises(MappingFailed, match="list"):
        mapping.read({"error": {"reason": "no such index"}}, 10)


@pytest.mark.parametrize(
    ("hit", "said"),
    [
        (None, "Candidate 2 is null"),
        ("b", "Candidate 2 is a text"),
        ({"title": "no id"}, "Candidate 2 has no id"),
        ({"id": ""}, "Candidate 2 has no id"),
        ({"id": " \0"}, "candidate 2 is empty"),
        ({"id": True}, "candidate 2 is true or false"),
        ({"id": ["b"]}, "candidate 2 is a list"),
        ({"id": "b" * (MAX_DOCUMENT_KEY + 1)}, "candidate 2 is longer"),
    ],
)
def test_a_candidate_without_a_usable_id_fails_with_its_rank(hit: Any, said: str) -> None:
    with pytest.raises(MappingFailed, match=said) as caught:
        PLAIN.read({"hits": [{"id": "a"}, hit]}, 10)

    assert caught.value.code == "mapping_failed"


@pytest.mark.parametrize("repeated", ["1", 1, 1.0, " 1", "1\0"])
def test_a_repeated_id_fails_however_it_is_written(repeated: Any) -> None:
    with pytest.raises(MappingFailed, match="ranks 1 and 3") as caught:
        PLAIN.read({"hits": [{"id": 1}, {"id": 2}, {"id": repeated}]}, 10)

    assert caught.value.code == "duplicate_ids"


def test_what_stands_below_the_depth_is_not_read() -> None:
    page = PLAIN.read({"hits": [{"id": "a"}, {"id": "b"}, {"id": "a"}, None]}, 2)

    assert [one.id for one in page.candidates] == ["a", "b"]


@pytest.mark.parametrize(
    ("expression", "answer", "said"),
    [
        ("{candidates: nowhere[].{id: id}}", {"hits": []}, "leads nowhere"),
        ("hits", {"hits": []}, "must give an object"),
        ("{total: total}", {"total": 1}, "must give an object"),
        ("{candidates: hits}", {"hits": {"a": 1}}, "an object, not a list"),
        ("{candidates: sort_by(hits, &id)}", {"hits": [{"id": None}]}, "does not fit"),
        ("{candidates: hits[].{id: join(',', id)}}", {"hits": [{"id": [1]}]}, "does not fit"),
    ],
)
def test_a_mapping_that_finds_no_list_fails(expression: str, answer: Any, said: str) -> None:
    assert said in failure_of(expression, answer).message


def test_hostile_texts_and_numbers_are_made_harmless() -> None:
    answer = json.loads(
        r'{"total": 1e400, "hits": [{"id": "a\u0000\ud800", "title": "t\u0000", "score": NaN, '
        r'"image": 5, "fields": {"x\u0000": ["\udfff", 1e999, {"y": -Infinity}]}}]}'
    )

    page = PLAIN.read(answer, 10)

    one = page.candidates[0]
    assert (one.id, one.title, one.score, one.image, page.total) == ("a\ufffd", "t", None, "5", None)
    assert one.fields == {"x": ["\ufffd", None, {"y": None}]}


def test_fields_that_no_database_takes_fail() -> None:
    deep: Any = {}
    for _ in range(MAX_FIELD_DEPTH + 1):
        deep = {"a": deep}

    assert "nested more than" in failure_of("{candidates: @}", [{"id": "a", "fields": deep}]).message


@pytest.mark.parametrize("total", [True, -1, "many", None, [3], float("nan")])
def test_a_total_that_is_no_number_is_unknown(total: Any) -> None:
    assert PLAIN.read({"total": total, "hits": []}, 10).total is None


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "empty"),
        ("a" * 5_001, "longer"),
        ("(" * 2_400 + "a" + ")" * 2_400, "nested"),
        ("{candidates: hits[", "Incomplete|Bad|Invalid"),
        ("nonsense(hits)", "nonsense"),
        ("`{", "."),
        ("a\x00", "."),
    ],
)
def test_an_expression_that_can_not_be_used_is_refused(expression: str, said: str) -> None:
    with pytest.raises(InvalidMapping, match=said):
        compile_mapping(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "{candidates: @" + "|[@,@][]" * 600 + "}",
        "{candidates: @" + "|to_string([@,@])" * 200 + "}",
        "{candidates: @" + "|[@,@]" * 400 + "|to_string(@)}",
        "{candidates: @" + "|[@,@]" * 400 + "|[@==[@],@]}",
        "{candidates: @" + "|{id: 'a', fields: {a: @, b: @}}" * 60 + "|[@]}",
    ],
)
def test_an_expression_that_doubles_its_value_ends_soon(expression: str) -> None:
    answer = [{"id": "a"}]

    with pytest.raises((MappingFailed, InvalidMapping)):
        compile_mapping(expression).read(answer, 10)


def test_the_likeliest_list_is_proposed_first() -> None:
    answer = {
        "facets": [{"value": "red", "count": 3}, {"value": "blue", "count": 2}],
        "result": {"totalCount": 7, "items": [{"product-id": "x", "attributes": {"Name": "Red"}}]},
    }

    first = suggest_mappings(answer)[0]

    assert (first.path, first.count, first.preview) == ("result.items", 1, [{"id": "x", "title": "Red"}])
    assert compile_mapping(first.expression).read(answer, 5).total == 7


@pytest.mark.parametrize("answer", [entry[2] for entry in ANSWERS], ids=[entry[0] for entry in ANSWERS])
def test_proposals_find_the_list_of_every_known_engine(answer: Any) -> None:
    first = suggest_mappings(answer)[0]

    page = compile_mapping(first.expression).read(answer, 10)
    assert (page.total, [one.title for one in page.candidates]) == (41, ["Red shoes", "Blue shoes"])


@pytest.mark.parametrize("answer", [GROONGA, DATASETTE], ids=["Groonga", "Datasette"])
def test_rows_that_are_lists_are_proposed_with_their_columns(answer: Any) -> None:
    first = suggest_mappings(answer)[0]

    page = compile_mapping(first.expression).read(answer, 10)
    assert [one.title for one in page.candidates] == ["Red", "Blue"]
    assert page.candidates[0].fields["title"] == "Red"


@pytest.mark.parametrize("sample", [None, 5, "x", [], {}, [[]], [[[]]], [{}], {"a": [None]}, [[1], []], [{"": 1}]])
def test_a_sample_without_a_list_gets_no_proposal_or_one_that_reads_it(sample: Any) -> None:
    for suggestion in suggest_mappings(sample):
        compile_mapping(suggestion.expression).read(sample, 10)
