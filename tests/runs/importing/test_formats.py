"""Files as other tools write them: recognised from their first lines, and read as what they are."""

from typing import Any

import pytest

from judging.records.reading.upload import BadValue, Problems, SourceFile
from judging.runs.importing.formats.recognition import FORMATS, label_of, read_as_of, recognised
from judging.runs.importing.formats.shapes import Reading
from tests.runs.importing import as_file

BEIR_QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td4\t0\n"
MS_MARCO_QRELS = "q1\t0\td1\t1\nq2\t0\td4\t0\n"
QUEPID = "query,docid,rating\nred shoes,d1,1.0\nblue shirt,d4,0\ngreen hat\n"
BOOK = "query,docid,Ann,Bob\nred shoes,d1,3.0,\nblue shirt,d4,,1\n"
OPENSEARCH = """{
  "name": "Imported", "description": "made by hand", "type": "IMPORT_JUDGMENT",
  "judgmentRatings": [
    {"query": "red shoes", "ratings": [{"docId": "d1", "rating": "1.000"}]},
    {"query": "blue shirt", "ratings": [
      {"docId": "d4", "rating": "0.000"}
    ]}
  ]
}
"""
RRE = """{
  "index": "core1", "id_field": "id",
  "topics": [{
    "description": "clothes",
    "query_groups": [
      {"name": "shoes", "queries": [
        {"template": "q.json", "placeholders": {"$query": "red shoes"}},
        {"template": "q.json", "placeholders": {"$query": "Red Shoes", "$lang": "en"}}
      ], "relevant_documents": {"d1": {"gain": 3}}},
      {"name": "shirts", "queries": [{"placeholders": {"$query": "blue shirt"}}], "relevant_documents": {"1": ["d2", "d4"]}}
    ]
  }]
}
"""
RANKLIB = "# qid:1: red shoes\n# qid:2: blue shirt*1\n#\n3\tqid:1 # d1 Red\n0.0 qid:2 1:0.5 2:1e-3 # d4\n"


def judgments(text: str, name: str) -> list[dict[str, Any]]:
    """Return what is read from a file of this format, without complaints."""
    source = SourceFile("file", as_file(text))
    assert recognised(source, {}).name == name
    reading = Reading(Problems())
    rows = [values for _, values in recognised(source, {"file": name}).read(source, reading)]
    assert reading.problems.total == 0, [str(each) for each in reading.problems.rows]
    return rows


def graded(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(each.get("query", each.get("query_id")), each["doc_id"], each["grade"]) for each in rows]


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        (BEIR_QRELS, "beir_qrels", [("q1", "d1", "1"), ("q2", "d4", "0")]),
        ("q1 d1 1\nq2 d4 0\n", "beir_qrels", [("q1", "d1", "1"), ("q2", "d4", "0")]),
        (MS_MARCO_QRELS, "qrels", [("q1", "d1", "1"), ("q2", "d4", "0")]),
        (QUEPID, "quepid", [("red shoes", "d1", "1.0"), ("blue shirt", "d4", "0")]),
        (BOOK, "quepid_book", [("red shoes", "d1", "3.0"), ("blue shirt", "d4", "1")]),
        (OPENSEARCH, "opensearch", [("red shoes", "d1", "1.000"), ("blue shirt", "d4", "0.000")]),
        (
            '{"judgmentRatings": {"red shoes": [{"docId": "d1", "rating": "1"}]}, "name": "of the first version"}',
            "opensearch",
            [("red shoes", "d1", "1")],
        ),
        (
            '{"hits": {"hits": [{"_source": {"judgmentRatings": [{"query": "a", "ratings": [{"docId": "d", "rating": 2}]}]}}]}}',
            "opensearch",
            [("a", "d", 2)],
        ),
        (
            RRE,
            "rre",
            [("red shoes", "d1", 3), ("Red Shoes", "d1", 3), ("blue shirt", "d2", "1"), ("blue shirt", "d4", "1")],
        ),
        (
            '{"query_placeholder": "q", "query_groups": [{"queries": [{"placeholders": {"q": "a", "l": "en"}}],'
            ' "relevant_documents": [{"document_id": "d1", "gain": 2}]}]}',
            "rre",
            [("a", "d1", 2)],
        ),
        (
            '{"queries": [{"placeholders": {"$query": "a"}, "relevant_documents": {"3.0": ["d1"], "0.0": ["d2"]}}]}',
            "rre",
            [("a", "d1", "3.0"), ("a", "d2", "0.0")],
        ),
        (RANKLIB, "ranklib", [("red shoes", "d1", "3"), ("blue shirt", "d4", "0.0")]),
        ("2 qid:10 1:0.03 2:0 #docid = GX029-35-1 inc = 1 prob = 0.1\n", "ranklib", [("10", "GX029-35-1", "2")]),
        ("3 qid:1 # 7\n", "ranklib", [("1", "7", "3")]),
        (
            '[{"query": "a", "doc_id": "d1", "grade": 1},\n {"query": "b", "docid": 2, "rating": 0}]',
            "json",
            [("a", "d1", 1), ("b", 2, 0)],
        ),
        ('{\n "query": "a",\n "_id": "d1",\n "relevance": 1\n}\n', "jsonl", [("a", "d1", 1)]),
        ("sep=;\nquery;id;grade\na;d1;1\n", "csv", [("a", "d1", "1")]),
        ("\ufeffQuery ID\tDocument ID\tRelevance\nq1\td1\t1\n", "csv", [("q1", "d1", "1")]),
        ("query,doc_id,grade,,\na,d1,1,,\n", "csv", [("a", "d1", "1")]),
    ],
)
def test_judgments_of_other_tools_are_recognised_and_read(text: str, name: str, expected: list[Any]) -> None:
    assert graded(judgments(text, name)) == expected


def test_the_raters_of_a_book_are_the_authors_and_ai_columns_the_ai_s() -> None:
    rows = judgments("query,docid,Ann,ai:Judge v1\na,d1,1,2\nb,d2,,\n", "quepid_book")

    assert [(each.get("author"), each.get("kind"), each.get("judge")) for each in rows] == [
        ("Ann", None, None),
        (None, "ai", "Judge v1"),
    ]


def queries(text: str, name: str, match_mode: str = "qid") -> list[tuple[str, Any]]:
    source = SourceFile("queries", as_file(text))
    known = recognised(source, {})
    assert known.name == name
    reading = Reading(Problems(), match_mode)
    rows = [(row.label, row.body) for row in known.read(source, reading)]
    assert reading.problems.total == 0, [str(each) for each in reading.problems.rows]
    return rows


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("q1\tred shoes\nq2\tblue\n", "tsv"),
        ("query-id\ttext\nq1\tred shoes\nq2\tblue\n", "tsv"),
        ("_id\ttext\nq1\tred shoes\nq2\tblue\n", "tsv"),
        ("id\tquery\nq1\tred shoes\nq2\tblue\n", "tsv"),
        ("ID\tQuery\tlang\nq1\tred shoes\ten\nq2\tblue\ten\n", "tsv"),
        ("Topic ID\tTitle\nq1\tred shoes\nq2\tblue\n", "tsv"),
        ('"qid"\t"query_text"\nq1\tred shoes\nq2\tblue\n', "tsv"),
        ("query_id,query\nq1,red shoes\nq2,blue\n", "csv"),
        ("sep=;\nid;text\nq1;red shoes\nq2;blue\n", "csv"),
        ("text\tquery_id\nred shoes\tq1\nblue\tq2\n", "tsv"),
        ("qid\tlang\tquery\nq1\ten\tred shoes\nq2\ten\tblue\n", "tsv"),
        ('{"_id": "q1", "text": "red shoes", "metadata": {}}\n{"_id": "q2", "text": "blue"}\n', "beir_queries"),
        ('{"query_id": "q1", "query": "red shoes"}\n{"qid": "q2", "text": "blue"}\n', "jsonl"),
        ('[{"id": "q1", "query": "red shoes"}, {"id": "q2", "query": "blue"}]', "json"),
    ],
)
def test_queries_are_recognised_and_a_header_is_never_one(text: str, name: str) -> None:
    assert queries(text, name) == [("q1", "red shoes"), ("q2", "blue")]


def documents(text: str, name: str) -> tuple[list[tuple[str, str, dict[str, Any]]], list[str]]:
    source = SourceFile("documents", as_file(text))
    known = recognised(source, {})
    assert known.name == name
    reading = Reading(Problems())
    rows = [(row.external_id, row.content.title, row.content.fields) for row in known.read(source, reading)]
    assert reading.problems.total == 0, [str(each) for each in reading.problems.rows]
    return rows, reading.notes.document_warnings()


def test_members_without_a_meaning_become_fields_and_that_is_said() -> None:
    rows, warnings = documents('{"doc_id": "d1", "title": "One", "text": "the body", "fields": {"a": 1}}\n', "jsonl")

    assert rows == [("d1", "One", {"text": "the body", "a": 1})]
    assert warnings == ['what has no meaning of its own became a field of the documents: "text"']


@pytest.mark.parametrize("name", ["doc_id", "id", "_id", "docid", "document_id", "Doc-ID"])
@pytest.mark.parametrize(
    "template", ['{{"{}": "d1", "title": "One"}}', '[{{"{}": "d1", "title": "One"}}]', "{},title\nd1,One\n"]
)
def test_every_spelling_of_the_id_is_known(name: str, template: str) -> None:
    kind = (
        "json"
        if template.startswith("[")
        else "csv"
        if "," in template.partition("\n")[0] and "{{" not in template
        else "jsonl"
    )

    assert documents(template.format(name), kind)[0] == [("d1", "One", {})]


@pytest.mark.parametrize(
    ("text", "name", "title", "fields"),
    [
        (
            '{"_id": "d1", "title": "", "text": "the body", "metadata": {}}',
            "beir_corpus",
            "the body",
            {"text": "the body"},
        ),
        (
            '{"_id": "d1", "title": "One", "text": "the body", "metadata": {"url": "u"}}',
            "beir_corpus",
            "One",
            {"text": "the body", "metadata": {"url": "u"}},
        ),
        (
            '{"id": "d1", "url": "https://x/1", "price": 3, "name": "Shoe"}',
            "jsonl",
            "Shoe",
            {"url": "https://x/1", "price": 3, "name": "Shoe"},
        ),
        ('{"id": "d1", "fields": {"name": "Shoe"}}', "jsonl", "Shoe", {"name": "Shoe"}),
        ("doc_id,title,brand\nd1,,Acme\n", "csv", "Acme", {"brand": "Acme"}),
        ("id,name,rating\nd1,Shoe,4.5\n", "csv", "Shoe", {"name": "Shoe", "rating": "4.5"}),
        ('{"id": "d1", "name": "Shoe", "rating": 4.5}', "jsonl", "Shoe", {"name": "Shoe", "rating": 4.5}),
        ("d1\tthe body, as it is\n", "msmarco_collection", "the body, as it is", {"text": "the body, as it is"}),
    ],
)
def test_a_missing_title_is_the_first_text(text: str, name: str, title: str, fields: dict[str, Any]) -> None:
    rows, warnings = documents(text, name)

    assert rows == [("d1", title, fields)]
    assert any("was missing and taken from" in each for each in warnings) is (title != "One")


def test_a_borrowed_title_is_cut() -> None:
    [(_, title, fields)], _ = documents(f'{{"_id": "d1", "text": "{"word " * 100}"}}', "beir_corpus")

    assert (len(title), title[-1], len(fields["text"])) == (200, "…", 500)


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        (
            "documents",
            '{"_id": "x1", "doc_id": "d1", "title": "One", "text": "a"}',
            ["JSON lines of documents", "a BEIR corpus"],
        ),
        (
            "queries",
            '{"_id": "x1", "query_id": "q1", "text": "a", "query": "b"}',
            ["JSON lines of queries", "BEIR queries"],
        ),
        ("file", "query,docid,rating,Ann\na,d1,1,2\n", ["a table of judgments (CSV)", "a Quepid book"]),
        ("file", "query-id,corpus-id,score,grade\nq1,d1,1,2\n", ["a table of judgments (CSV)", "a BEIR qrels file"]),
        ("file", '{"judgmentRatings": [], "queries": [{"placeholders": {}}]}', ["OpenSearch", "RRE ratings"]),
    ],
)
def test_a_file_that_fits_two_formats_is_refused_with_both_names(field: str, text: str, words: list[str]) -> None:
    source = SourceFile(field, as_file(text))

    with pytest.raises(BadValue) as refused:
        recognised(source, {})

    message = str(refused.value)
    assert "say which it is (read_as: " in message
    assert all(each in message for each in words)
    name = message.partition("read_as: ")[2].partition(" or ")[0]
    assert recognised(source, {field: name}).name == name


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("queries", '{"doc_id": "d1", "title": "One"}\n', "belongs into the field documents, not into queries"),
        (
            "queries",
            '{"_id": "d1", "title": "One", "text": "a"}\n',
            "a BEIR corpus, which belongs into the field documents",
        ),
        ("queries", BEIR_QRELS, "a BEIR qrels file, which belongs into the field file (of an import of judgments)"),
        ("queries", "q1 Q0 d1 1 2.5 t\n", "a TREC run, which belongs into the field run"),
        (
            "documents",
            '{"query_id": "q1", "query": "a"}\n',
            "JSON lines of queries, which belongs into the field queries",
        ),
        ("documents", "query_id\tquery\nq1\ta\n", "belongs into the field queries"),
        ("documents", "q1 Q0 d1 1 2.5 t\n", "a TREC run"),
        ("run", "q1\tred shoes\n", "belongs into the field queries, not into run"),
        ("run", "q1 0 d1 1\n", "TREC qrels (MS MARCO's, too), which belongs into the field file"),
        ("run", '{"query": "a", "candidates": []}\n', "belongs into the field results"),
        ("results", "q1 Q0 d1 1 2.5 t\n", "belongs into the field run"),
        ("file", "q1 Q0 d1 1 2.5 t\n", "belongs into the field run"),
        (
            "file",
            "query,doc_id,rank,title\na,d1,1,One\n",
            "a run as a table (CSV), which belongs into the field run",
        ),
        ("file", '{"doc_id": "d1", "title": "One"}\n', "belongs into the field documents"),
    ],
)
def test_a_file_in_the_wrong_field_is_recognised(field: str, text: str, words: str) -> None:
    with pytest.raises(BadValue) as refused:
        recognised(SourceFile(field, as_file(text)), {})

    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("q1\tred\n".encode("utf-16"), "UTF-16"),
        ("q1\tred\n".encode("utf-16-le"), "UTF-16"),
        ("q1\tred\n".encode("utf-16-be"), "UTF-16"),
        (b"\x1f\x8b\x08\x00rest", "gzip"),
        (b"PK\x03\x04....[Content_Types].xml....xl/workbook.xml", "Excel workbook (.xlsx)"),
        (b"PK\x03\x04....mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "spreadsheet (.ods)"),
        (b"PK\x03\x04....a.csv", "zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel workbook (.xls)"),
        (b"\x89PNG\r\n\x1a\n", "PNG image"),
        (b"\xff\xd8\xff\xe0", "JPEG image"),
        (b"RIFF1234WEBPVP8 ", "WebP image"),
        (b"%PDF-1.7", "PDF document"),
        (b"PAR1....", "Parquet"),
        (b"\n<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
    ],
)
@pytest.mark.parametrize("read_as", [{}, {"queries": "tsv"}])
def test_what_is_no_text_is_named_with_the_way_out(content: bytes, words: str, read_as: dict[str, str]) -> None:
    with pytest.raises(BadValue) as refused:
        recognised(SourceFile("queries", as_file(content)), read_as)

    assert words in str(refused.value)
    assert "upload" in str(refused.value)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, {}),
        ("", {}),
        ("auto", {}),
        ("beir_qrels", {"file": "beir_qrels"}),
        ("beir_queries", {"queries": "beir_queries"}),
        ("csv", {"file": "csv"}),
        ("qrels, queries=csv", {"file": "qrels", "queries": "csv"}),
        ('{"file": "qrels", "queries": "auto"}', {"file": "qrels"}),
        ({"file": "rre", "queries": None}, {"file": "rre"}),
    ],
)
def test_formats_are_named_for_one_file_or_for_each(given: object, expected: dict[str, str]) -> None:
    assert read_as_of(given, ("file", "queries")) == expected


def test_every_format_has_a_name_of_its_own_in_its_field_and_words_for_people() -> None:
    for field, formats in FORMATS.items():
        assert len({each.name for each in formats}) == len(formats)
        assert all(label_of(field, each.name) for each in formats)
