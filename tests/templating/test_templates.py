"""Templates that people write: what they may do, which are refused, and that none runs away."""

import contextlib
import re
import threading
import time

import pytest
from dotpromptz_handlebars import _render as handlebars
from hypothesis import given, settings
from hypothesis import strategies as st

from judging.asking.prompting import (
    TEMPLATE_VARIABLES,
    EvaluationContext,
    PromptCandidate,
    PromptSettings,
    TemplateError,
    build_messages,
    check_template,
)
from judging.foundation.errors import Invalid
from judging.foundation.scales import SCALES
from judging.templating import templates
from judging.templating.tags import find_tags
from judging.templating.templates import render_template

SHOP = EvaluationContext("Shop search", "Would a shopper click?", SCALES["trec"])
LOOP = "{{#each candidates}}{{id}} {{title}} {{toJson fields}}\n{{/each}}"


def text_of(query, *candidates, template, **options):
    content = build_messages(query, candidates, settings=PromptSettings(template, **options), evaluation=SHOP)[-1][
        "content"
    ]
    return content if isinstance(content, str) else content[0]["text"]


def test_a_template_sees_all_that_is_promised():
    template = (
        "{{query.query}}|{{query}}|{{#each candidates}}{{@index}}:{{id}}={{fields.brand}},{{lookup fields 'brand'}},{{image}};{{/each}}|"
        "{{scale_min}}-{{scale_max}}|{{#each scale_labels}}{{grade}}{{#unless @last}},{{/unless}}{{/each}}|{{evaluation_name}}|{{evaluation_description}}|"
        "{{toJson query}}|{{xml (toJson query)}}"
    )
    candidate = PromptCandidate("a", "T", {"brand": "Sony"}, "https://example.com/a.png")
    rendered = text_of({"query": "x"}, candidate, template=template)
    assert rendered == (
        'x|{"query": "x"}|0:a=Sony,Sony,;|0-3|0,1,2,3|Shop search|Would a shopper click?|{"query": "x"}|{&quot;query&quot;: &quot;x&quot;}'
    )
    assert "Sony,https://example.com/a.png;" in text_of("x", candidate, template=template, include_images=True)
    assert len(TEMPLATE_VARIABLES) == len({name for name, _ in TEMPLATE_VARIABLES})


def test_values_print_as_json_and_javascript_would():
    context = {"none": None, "yes": True, "whole": 2.0, "half": 0.5, "list": [1, "é"], "html": "<&>"}
    assert render_template(
        "{{none}}|{{yes}}|{{whole}}|{{half}}|{{list}}|{{html}}|{{{html}}}|{{nothing.at.all}}", context
    ) == ('|true|2|0.5|[1, "é"]|<&>|<&>|')


def test_document_text_is_not_a_template():
    assert text_of("{{id}}", PromptCandidate("a", "{{#each candidates}}"), template="{{query}} " + LOOP).startswith(
        "{{id}} a {{#each candidates}}"
    )


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("a\nb {{#each candidates}}\n{{id}}", 2, "never closed"),
        ("a\n{{id", 2, "never closed"),
        ("{{#each candidates}}\n{{id}}\n{{/if}}", 3, "closes nothing"),
        ("\n{{/each}}", 2, "closes nothing"),
        (LOOP + "\n{{else}}", 3, "else"),
        (LOOP + "{{shout title}}", 2, 'unknown helper "shout"'),
        (LOOP + "{{#if query.x}}{{xml (shout title)}}{{/if}}", 2, 'unknown helper "shout"'),
        (LOOP + "{{#shout title}}{{/shout}}", 2, "no block helper"),
        (LOOP + "{{#if}}{{/if}}", 2, "exactly one argument"),
        (LOOP + "{{a..b c}}", 2, "unknown helper"),
        (LOOP + "{{a.1}}", 2, "cannot be read"),
        (LOOP + "{{> other}}", 2, "partials"),
        (LOOP + '{{#*inline "x"}}{{/inline}}', 2, "partials"),
        (LOOP + "{{}}", 2, "empty tag"),
        (LOOP + "{{" + "a" * 3_000 + "}}", 2, "longer than"),
        (LOOP + "\0", 2, "NUL"),
        ("", None, "empty"),
        ("Grade {{query}}.", None, "never mentions the candidates"),
        ("{{#each candidates}}{{title}}{{/each}}", None, "ids"),
        ("{{!-- {{#each candidates}}{{id}}{{/each}} --}}", None, "never mentions"),
        ("x" * 100_001, None, "longer than 100,000"),
    ],
)
def test_a_template_that_cannot_work_is_refused_with_its_line(source, line, message):
    with pytest.raises(TemplateError, match=re.escape(message)) as caught:
        check_template(source)
    assert caught.value.line == line
    assert caught.value.code == "invalid_template"
    assert isinstance(caught.value, Invalid)
    shown = caught.value.errors["prompt_template"][0]
    assert shown.startswith(f"Line {line}: " if line else "the template")


@pytest.mark.parametrize(
    "source",
    [
        LOOP,
        "{{candidates}}",
        "{{toJson candidates}}",
        "{{#candidates}}{{id}}{{/candidates}}",
        "{{#each candidates as |c|}}{{c.id}}{{else}}none{{/each}}",
        "{{~#if query.query~}} {{query.query}} {{~else if query~}} {{query}} {{~/if~}}" + LOOP,
        "{{#each candidates}}{{#each ../candidates}}{{../id}}-{{id}}{{/each}}{{/each}}",
        "{{! a comment }}{{!-- and {{another}} --}}\\{{literal}}" + LOOP,
    ],
)
def test_ordinary_handlebars_is_accepted(source):
    check_template(source)


@pytest.mark.slow(seconds=1)
@pytest.mark.parametrize(
    "source",
    [
        "{{#each candidates}}{{#each ../candidates}}{{#each ../../candidates}}{{/each}}{{/each}}{{id}}{{/each}}",
        "{{#each candidates}}" * 90 + "{{id}}" + "{{/each}}" * 90,
        "{{#each @root.candidates}}{{#each @root.candidates}}{{#each @root.candidates}}{{#each @root.candidates}}x{{/each}}{{/each}}{{/each}}{{/each}}",
        "{{#each candidates}}{{#each ../candidates}}{{id}}" + "x" * 2_000 + "{{/each}}{{/each}}",
        "{{#each candidates}}{{#each ../candidates}}{{toJson ../../candidates}}{{/each}}{{/each}}",
        "{{#each candidates}}{{#each ../candidates}}{{#if (xml (toJson @root))}}{{/if}}{{/each}}{{/each}}",
        "{{#each candidates}}{{#each ../candidates}}"
        + "{{xml (toJson (lookup @root 'query'))}}" * 2_000
        + "{{/each}}{{/each}}",
        "{{#if query}}" * 101 + "{{/if}}" * 101,
        "{{xml " + "(xml " * 300 + "id" + ")" * 300 + "}}",
    ],
)
def test_a_template_bomb_is_refused_quickly(source):
    start = time.process_time()
    with pytest.raises(TemplateError):
        check_template(source)
    assert time.process_time() - start < 3


def test_a_template_that_documents_blow_up_is_stopped():
    candidates = [PromptCandidate(str(number), "", {"text": "x" * 8_000}) for number in range(50)]
    with pytest.raises(TemplateError, match="2,000,000"):
        text_of("q", *candidates, template=LOOP * 6)


@pytest.mark.slow(seconds=1)
def test_a_template_that_a_huge_query_blows_up_is_stopped():
    query = {f"key {number}": number for number in range(60_000)}
    start = time.process_time()
    with pytest.raises(TemplateError, match="too much work"):
        text_of(query, template="{{#with query}}" + "{{xml x}}" * 10_000 + "{{/with}}")
    assert time.process_time() - start < 3


tags = st.sampled_from(
    [
        "{{",
        "}}",
        "{{{",
        "}}}",
        "{{{{",
        "}}}}",
        "{{!--",
        "--}}",
        "{{#if a}}",
        "{{/if}}",
        "{{else}}",
        "{{^}}",
        "{{~",
        "~}}",
        "{{#each candidates}}",
        "{{/each}}",
        "{{id}}",
        "\\",
        "\\{{",
        "#",
        "/",
        "(",
        ")",
        '"',
        "=",
        " as |x|",
        "{{{{raw}}}}",
        "{{{{/raw}}}}",
        "{{> p}}",
        "{{@index}}",
        "{{..}}",
        "{{xml (toJson a)}}",
        "²",
        "[",
        "]",
        "\n",
        " ",
    ]
) | st.text(max_size=4)


@settings(deadline=None, max_examples=400)
@given(st.lists(tags, max_size=25).map("".join))
def test_rubbish_either_renders_or_is_refused(source):
    context = {"a": {"b": [1]}, "id": "x", "candidates": [{"id": "y"}] * 3}
    with contextlib.suppress(TemplateError):  # anything else that is raised fails the test
        render_template(source, context).encode()


@settings(deadline=None, max_examples=400)
@given(st.lists(tags, max_size=15).map("".join))
def test_our_tags_are_those_that_the_library_sees(source):
    try:
        expected = [part.body for part in handlebars._tokens(source) if isinstance(part, handlebars.TagToken)]  # type: ignore[attr-defined]
    except (ValueError, IndexError):
        return
    found = [body for body, _ in find_tags(source)]
    assert [body if not body.startswith("!") else "!" for body in found] == [
        body if not body.startswith("!") else "!" for body in expected
    ]


@pytest.mark.slow(seconds=1)
def test_templates_render_side_by_side_in_threads():
    bomb = "{{#each a}}" * 20 + "{{/each}}" * 20
    wrong = []

    def render(number):
        for _ in range(5):
            if render_template("{{#each a}}{{this}}{{/each}}", {"a": [number] * 50}) != str(number) * 50:
                wrong.append(number)
            try:
                render_template(bomb, {"a": [{"a": [1] * 300}] * 3})
            except TemplateError:
                wrong.append("budget shared")

    threads = [threading.Thread(target=render, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_template_is_compiled_once():
    source = "compiled once {{query}}"
    templates.compile_template.cache_clear()
    for _ in range(3):
        render_template(source, {"query": "q"})
    assert templates.compile_template.cache_info().misses == 1


def test_a_template_filled_beforehand_renders_the_same():
    context = {"a": [{"b": "inner", "c": [1]}], "b": "outer", "word": "w"}
    known = {name: context[name] for name in ("a", "word")}
    around = ["%s", "{{#each a}}%s{{/each}}", "{{#with a}}%s{{/with}}", "{{#if word}}%s{{else}}{{b}}{{/if}}"]
    around += ["{{#word}}%s{{/word}}", "{{#unless none}}%s{{/unless}}", "{{#each a as |b|}}%s{{/each}}"]
    inside = (
        "{{b}} {{a.[0].b}} {{this}} {{.}} {{../b}} {{../this}} {{@root.b}} {{@root}} {{@index}} {{@../root.b}} {{c}}"
    )
    inside += " {{word}} {{none}} {{toJson this}} {{lookup this 'b'}} {{xml (toJson ../b)}} {{xml word quotes=false}}"
    differing = []
    for outer in around:
        for inner in around:
            for tag in re.findall("{{.*?}}", inside):
                source = f"before {outer % (inner % tag)} after"
                template = templates.compile_template(source)
                if template.filled(known).render(context) != template.render(context):
                    differing.append(source)
    assert differing == []
    assert templates.compile_template("{{word}} {{b}}").filled(known).render({"b": "later"}) == "w later"
