"""The prompt as the editor shows it while a judge is being written."""

from django.urls import reverse

from judging.models import AIJudge, DocumentVersion, RunQuery, User
from tests.factories import make_run
from tests.judges.test_judge_pages import HTMX, client_of, post, typed


def test_the_preview_renders_the_prompt_of_a_real_query_and_stores_nothing(member: User) -> None:
    run = make_run({"<b>shoes</b>": ["d1", "d2", "d3"]})
    fields = typed(act="preview", prompt_template="Q {{query}}\n{{#each candidates}}{{id}}: {{title}};{{/each}}")
    fields |= {"try_run": str(run.pk), "try_query": str(RunQuery.objects.get(run=run).pk)}
    fragment = post(client_of(member), None, fields, headers=HTMX).content.decode()
    assert "Q &lt;b&gt;shoes&lt;/b&gt;\nd1: Title of d1;d2: Title of d2;</pre>" in fragment
    assert "<html" not in fragment
    fields["prompt_template"] = "\n\n{{#if query}}"
    fragment = post(client_of(member), None, fields, headers=HTMX).content.decode()
    assert 'data-line="3"' in fragment
    assert not AIJudge.objects.exists()


def test_the_preview_takes_every_setting_of_the_prompt_as_it_is_typed(member: User) -> None:
    make_run({"shoes": ["d1", "d2", "d3"]})
    long = typed(act="preview", prompt_template="{{#each candidates}}{{title}};{{/each}}", system_prompt="Be\0 brief.")

    def preview(**more: str) -> str:
        fragment: str = post(client_of(member), None, {**long, **more}, headers=HTMX).content.decode()
        return fragment

    DocumentVersion.objects.update(title="x" * 600)
    assert "Be brief." in preview()
    assert (preview(max_document_chars="500").count("x" * 600), preview().count("x" * 600)) == (0, 2)
    # What can't be saved is tried as the default: one candidate, thousands of characters.
    assert preview(max_document_chars="1", batch_size="many").count("x" * 600) == 1


def test_the_preview_shows_an_example_where_no_run_is(member: User) -> None:
    page = client_of(member).get(reverse("ai_judge_create")).content.decode()
    assert "red running shoes" in page
    assert "Connect a new provider" in page
