"""Queries reach the engine as they are, wherever a template prints them."""

import json
import xml.etree.ElementTree as ElementTree
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest

from judging.engines.awkward_queries import AWKWARD_QUERIES
from judging.engines.configuration import TemplateText
from judging.engines.presets import PRESETS
from judging.engines.rendering import InvalidTemplate, TemplateInvalid, compile_template


def template(body: str = "", query_string: str = "", content_type: str = "application/json", **headers: str) -> Any:
    return compile_template(TemplateText(body, query_string, content_type, headers))


def texts_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in texts_in(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in texts_in(inner)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("kind", PRESETS)
def test_awkward_queries_come_back_identical_from_every_preset(kind: str) -> None:
    preset = PRESETS[kind]
    compiled = template(preset.body, preset.query_string, preset.content_type)

    for query in AWKWARD_QUERIES:
        rendered = compiled.render(query, 20)
        sent = texts_in(json.loads(rendered.body)) if rendered.body else []
        sent += texts_in(parse_qs(rendered.query_string, keep_blank_values=True, strict_parsing=True))
        assert query in sent


def test_awkward_queries_come_back_identical_from_every_place() -> None:
    compiled = template(
        '{"a": "{{query}}", "b": {{toJson query}}, "c": "{{{query}}} {{lookup this "query"}}"}',
        "a={{query}}&b={{toJson query}}",
    )

    for query in AWKWARD_QUERIES:
        rendered = compiled.render({"query": query}, 20)
        assert json.loads(rendered.body) == {"a": query, "b": query, "c": f"{query} {query}"}
        values = parse_qs(rendered.query_string, keep_blank_values=True, strict_parsing=True)
        assert (values["a"], json.loads(values["b"][0])) == ([query], query)


def test_awkward_queries_in_headers_are_safe_and_can_be_read_back() -> None:
    compiled = template(**{"X-Query": "{{query}}"})

    for query in AWKWARD_QUERIES[:-1]:
        value = compiled.render(query, 20).headers["X-Query"]
        assert value.isascii()
        assert value.isprintable()
        assert unquote(value) == query.strip(" ")


def test_a_form_and_xml_escape_as_they_do() -> None:
    query = 'a&b="c" <d>'

    form = template("q={{query}}", content_type="application/x-www-form-urlencoded").render(query, 20)
    xml = template('<q a="{{query}}">{{query}}</q>', content_type="application/xml").render(query, 20)

    assert parse_qs(form.body) == {"q": [query]}
    element = ElementTree.fromstring(xml.body)
    assert (element.text, element.get("a")) == (query, query)
    assert xml.headers == {"Content-Type": "application/xml"}


def test_each_line_of_a_multi_search_is_json() -> None:
    compiled = template('{"index": "a"}\n{"q": "{{query}}"}\n', content_type="application/x-ndjson")

    lines = compiled.render("a\nb", 20).body.splitlines()

    assert json.loads(lines[1]) == {"q": "a\nb"}


def test_size_offset_page_and_cursor_can_be_printed() -> None:
    rendered = template('[{{size}}, {{offset}}, {{page}}, {{toJson cursor}}, "{{cursor}}"]').render(
        {"query": "x", "size": "43 EU"}, 7, offset=14, page=3, cursor=[1, "a"]
    )

    assert json.loads(rendered.body) == [7, 14, 3, [1, "a"], '[1, "a"]']


def test_the_variables_of_all_parts_are_found() -> None:
    compiled = template(
        "{{#if brand}}{{toJson brand.name}}{{/if}}{{#each tags}}{{this}}{{label}}{{../market}}{{@root.lang}}{{/each}}"
        '{{#with shop}}{{city}}{{/with}}{{toJson (lookup filters key)}}{{"literal"}}{{size}}{{this.[a b]}}',
        "q={{query}}",
        **{"X-Who": "{{user.id}}"},
    )

    assert compiled.variables == {
        *("brand", "tags", "market", "lang", "shop", "filters", "key", "a b", "query", "user", "size")
    }


def test_a_query_string_over_many_lines_is_sent_as_one() -> None:
    rendered = template(query_string="?q={{query}}\n  &qf=title^3 text\n&n=1\n").render("a b", 20)

    assert rendered.query_string == "q=a%20b&qf=title%5E3%20text&n=1"
    assert (rendered.body, rendered.headers) == ("", {})


@pytest.mark.parametrize(
    ("body", "query", "said"),
    [
        ('{"q": {{query}}}', "a", "no JSON"),
        ('{"n": {{n}}}', {"query": "a", "n": None}, "no JSON"),
        ('{"n": {{n}}}', {"query": "a", "n": float("nan")}, "no JSON|no number"),
        ("[" * 100_000, "a", "nested|no JSON"),
        (
            "{{#each q}}{{../query}}{{/each}}",
            {"query": "x" * 100_000, "q": [1] * 21},
            "prints more than",
        ),
    ],
)
def test_a_query_that_makes_no_request_is_told(body: str, query: Any, said: str) -> None:
    with pytest.raises(TemplateInvalid, match=said) as caught:
        template(body).render(query, 20)

    assert (caught.value.place, caught.value.code) == ("body", "template_invalid")


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("body", TemplateText("{{#if a}}", "", "application/json", {})),
        ("query_string", TemplateText("", "q={{nonsense a}}", "application/json", {})),
        ("query_string", TemplateText("", "q" * 20_001, "application/json", {})),
        ("content_type", TemplateText("", "", "json", {})),
        ("content_type", TemplateText("", "", "application/json\r\nX: 1", {})),
        ("headers", TemplateText("", "", "application/json", {"X": "{{"})),
        ("headers", TemplateText("", "", "application/json", {"X": "a\r\nY: b"})),
        ("headers", TemplateText("", "", "application/json", {"Host": "a"})),
        ("headers", TemplateText("", "", "application/json", {"content-type": "a"})),
        ("headers", TemplateText("", "", "application/json", {"bad name": "a"})),
    ],
)
def test_a_template_that_can_not_be_used_is_refused_by_place(place: str, text: TemplateText) -> None:
    with pytest.raises(InvalidTemplate) as caught:
        compile_template(text)

    assert caught.value.place == place
