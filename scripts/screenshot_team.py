"""What screenshots show of people at work: shares, blind grades, notes, doubts, views of their own, batches beside others."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

Act = Callable[[Any], object]
Shot = tuple[str, str, Any, Act]

_IMAGE = (
    "data:image/svg+xml,"
    + quote("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 60 60'><rect width='60' height='60' fill='")
    + "{colour}"
    + quote("'/><circle cx='30' cy='26' r='14' fill='#fff8'/><path d='M14 44h32v6H14z' fill='#0005'/></svg>")
)
_COLOURS = ("%232f6f8f", "%23a1553b", "%235d7a3a", "%236b4a8c")
_PRODUCTS = (
    (
        "red running shoes",
        ("head",),
        ("Trail running shoe, red", "Road running shoes for women", "Shoe laces, red, 120 cm"),
    ),
    ("waterproof jacket men", ("head", "buy"), ("Rain jacket, men, 3 layers", "Softshell jacket", "Jacket patch kit")),
    ("usb c hub 4k 60hz", ("tail",), ("USB-C hub with HDMI 2.0", "USB-C cable, 2 m", "Docking station, two screens")),
    ("left handed mandolin strings", ("tail",), ()),
)


def fill_team(world: dict[str, Any], stub: Any) -> dict[str, Any]:
    """Share out a run, grade some of it, and bring a catalogue with images, links and a query without results."""
    from datetime import timedelta

    from django.utils import timezone

    from judging.models import JudgingRun, User
    from judging.people.accounts import create_user
    from judging.review.abstentions import abstentions_of
    from judging.review.grid_filter import GridFilter, grid_counts
    from judging.review.handing_out import abstain
    from judging.review.judgments import record_judgments
    from judging.review.matching import confirm_matching_ai_grades
    from judging.review.own_views import save_view
    from judging.review.team.assigning import share_out
    from judging.runs.archiving import archive_evaluation, archive_run
    from judging.runs.evaluation_runs import update_run

    admin, grace, run = world["admin"], world["rater"], world["run"]
    joan = User.objects.get(email="joan@example.com")
    create_user(email="mary@example.com", password="a-password-of-mary", role="rater", name="Mary Kenneth", actor=admin)
    share_out(run=run, people=[grace.pk, joan.pk], actor=admin)
    record_judgments(run=run, grades=_grades(run, joan, range(34)), actor=joan)
    record_judgments(run=run, grades=_grades(run, grace, range(20, 70)), actor=grace)
    for place, reason in ((71, "The page is in Finnish"), (75, "The model's name is all there is")):
        abstain(candidate=run.candidates.order_by("pk")[place], actor=grace, reason=reason)
    assert abstentions_of(run, admin).count() == 2
    disputed = GridFilter(status="disagreement")
    for name, query in (("Doubtful accessories", "status=disagreement&max_rank=3"), ("Mine to check", "people=not_me")):
        save_view(name=name, query=query, actor=admin)
    count = grid_counts(run, disputed, (), viewer=admin).shown
    confirm_matching_ai_grades(run=run, grid_filter=disputed, expected_count=count, actor=admin)

    JudgingRun.objects.filter(pk=world["under_way"]).update(
        status="running", throttle="rate_limited", throttle_changed_at=timezone.now() - timedelta(minutes=4)
    )
    archive_run(actor=admin, run=world["strict"])
    catalogue = _catalogue(admin)
    update_run(run=catalogue, actor=admin, blind=True, judgments_wanted=2)
    record_judgments(run=catalogue, grades=_grades(catalogue, admin, range(1, 2)), actor=admin)
    shown = _catalogue(admin, name="two engines", evaluation=catalogue.evaluation)
    old = _catalogue(admin, name="2024")
    archive_evaluation(actor=admin, evaluation=old.evaluation)
    return {**world, "joan": joan, "blind": catalogue, "shown": shown, "archived": old, **_batches(world, stub)}


def _grades(run: Any, person: Any, places: range) -> list[Any]:
    """Grade as the AI or a little below, with a note now and then."""
    from judging.ledger import PersonGrade

    candidates = list(run.candidates.order_by("pk")[: places.stop])
    return [
        PersonGrade(
            candidates[place].pk,
            max((candidates[place].ai_grade or 0) - (place % 4 == 0), 0),
            "An accessory of it, not the thing itself." if place % 4 == 0 else "",
            False,
        )
        for place in places
    ]


def _catalogue(admin: Any, *, name: str = "catalogue", evaluation: Any = None) -> Any:
    from judging.corpora.corpora import create_corpus
    from judging.runs.evaluations import create_evaluation
    from judging.runs.importing.results import InlineResults
    from judging.runs.importing.run_import import import_run

    if evaluation is None:
        corpus = create_corpus(actor=admin, name=f"Outdoor shop {name}", match_mode="qid")
        evaluation = create_evaluation(actor=admin, corpus_id=corpus.pk, name=f"Outdoor shop {name}", description="")
    results = [
        {
            "query": query,
            "tags": list(tags),
            "candidates": [
                {
                    "id": f"p{number}{place}",
                    "title": title,
                    "image": _IMAGE.format(colour=_COLOURS[(number + place) % 4]) if place < 2 else "",
                    "url": f"https://shop.example.com/products/{title.lower().replace(' ', '-')}?ref=search",
                    "brand": "Northbound",
                    "description": f"{title}. For those who look for {query} and want it to last.",
                }
                for place, title in enumerate(titles)
            ],
        }
        for number, (query, tags, titles) in enumerate(_PRODUCTS)
    ]
    return import_run(
        evaluation=evaluation,
        actor=admin,
        name=name,
        scale="graded",
        metrics=["NDCG@10", "P@3"],
        source=InlineResults(results),
    ).run


def _batches(world: dict[str, Any], stub: Any) -> dict[str, Any]:
    """Judge the inputs of the batch there is once more, with failures, and leave a third one under way."""
    from judging.models import BatchExecution
    from judging.responses.executions import create_batch
    from judging.responses.inputs import BatchInput
    from judging.responses.plans import plan_judge
    from judging.work.slices import work_slice
    from scripts.screenshot_worlds import TEXTS

    admin = world["admin"]
    inputs = [BatchInput(request=request, response=response) for request, response in TEXTS]
    again, under_way = (
        create_batch(actor=admin, plan=plan_judge(actor=admin, judge_id=world["response_judge"]), inputs=inputs)
        for _ in range(2)
    )
    stub.reset()
    stub.script(by_call={**dict.fromkeys(range(1, 12, 2), "prose"), 4: "400"})
    work_slice(again.lanes.get().pk)
    stub.script()
    BatchExecution.objects.filter(pk=under_way.pk).update(status="processing", completed_count=2)
    return {"batch_again": again.pk, "batch_under_way": under_way.pk}


def pages_of_team(world: dict[str, Any]) -> Iterator[Shot]:
    """Name each page of a team at work with its path, who looks at it and what they do first."""
    from django.urls import reverse

    admin, joan, grace = world["admin"], world["joan"], world["rater"]
    run, blind, shown = world["run"], world["blind"], world["shown"]
    grid = reverse("review_grid", args=(run.pk,))
    blind_grid, blind_run = (reverse(name, args=(blind.pk,)) for name in ("review_grid", "evaluation_run"))
    shown_grid = reverse("review_grid", args=(shown.pk,))
    run_page = reverse("evaluation_run", args=(run.pk,))
    yield "team-people", reverse("run_people", args=(run.pk,)), admin, settle
    yield "team-people-of-none", reverse("run_people", args=(shown.pk,)), admin, settle
    yield "team-home", "/", admin, open_usage
    yield "team-home-of-a-rater", "/", grace, settle
    yield "team-grid-views", f"{grid}?status=disagreement", admin, settle
    yield "team-grid-keep-view", f"{grid}?people=none&max_rank=5", admin, keep_a_view
    yield "team-grid-own-view", f"{grid}?people=not_me", admin, settle
    yield "team-grid-confirm-all", f"{grid}?min_ai_grade=3", admin, ask_to_confirm
    yield "team-grid-chosen", grid, admin, choose_rows
    yield "team-grid-cant-tell", f"{grid}?people=cant_tell", admin, settle
    yield "team-grid-note", grid, admin, write_a_note
    yield "team-grid-filters", grid, admin, open_filters
    yield "team-grid-blind", blind_grid, admin, settle
    yield "team-grid-blind-rater", blind_grid, grace, settle
    yield "team-grid-images", shown_grid, admin, open_details
    yield "team-grid-image", shown_grid, admin, open_image
    yield "team-evaluate-blind", reverse("evaluate", args=(blind.pk,)), grace, settle
    yield "team-evaluate", reverse("evaluate", args=(run.pk,)), joan, settle
    yield "team-evaluate-cant-tell", reverse("evaluate", args=(run.pk,)), grace, say_cant_tell
    yield "team-run-blind", blind_run, joan, settle
    yield "team-run-settings", reverse("run_settings", args=(blind.pk,)), admin, settle
    yield "team-run-no-results", f"{blind_run}?no_results=true", admin, settle
    yield "team-run-tag", f"{run_page}?tag=head", admin, tag_queries
    yield "team-run-slow", reverse("evaluation_run", args=(world["title_run"].pk,)), admin, settle
    yield "team-run-print", run_page, admin, lambda page: page.emulate_media(media="print")
    yield "team-run-archived", reverse("evaluation_run", args=(world["archived"].pk,)), admin, settle
    yield "team-evaluations-archived", f"{reverse('evaluations')}?archived=yes", admin, settle
    yield "team-evaluation", reverse("evaluation", args=(run.evaluation_id,)), admin, settle
    yield "team-runs-archived", f"{reverse('evaluation', args=(run.evaluation_id,))}?archived=yes", admin, settle
    yield "team-none-archived", f"{reverse('evaluation', args=(blind.evaluation_id,))}?archived=yes", admin, settle
    yield "team-judge-templates", reverse("ai_judge_create"), admin, settle
    yield "team-judge-run-on", reverse("ai_judge", args=(world["judge"],)), admin, open_run_on
    yield "team-batches", reverse("batches"), admin, settle
    yield "team-batch-failures", reverse("batch", args=(world["batch_again"],)), admin, settle
    yield "team-batch-under-way", reverse("batch", args=(world["batch_under_way"],)), admin, settle
    compared = f"{reverse('compare_batch', args=(world['batch'],))}?with={world['batch_again']}"
    yield "team-batch-compared", compared, admin, settle
    yield "team-batch-refused", reverse("batch_upload"), admin, upload_mistakes
    yield "team-audit-filtered", f"{reverse('audit')}?search=bm25", admin, settle
    yield "team-audit-nothing", f"{reverse('audit')}?search=nothing-like-it", admin, settle


def settle(page: Any) -> None:
    """Wait for what comes after the page; polls never end, so not for the network."""
    page.wait_for_load_state()
    page.wait_for_timeout(700)
    page.evaluate("scrollTo(0, 0)")


def open_usage(page: Any) -> None:
    page.locator(".usage-details summary").click()
    settle(page)


def keep_a_view(page: Any) -> None:
    page.get_by_text("Keep this view").click()
    page.get_by_label("Name", exact=True).fill("Not by me, accessories")


def ask_to_confirm(page: Any) -> None:
    page.get_by_role("button", name="that match").click()


def choose_rows(page: Any) -> None:
    page.wait_for_load_state()
    page.keyboard.press("J")
    page.keyboard.press("J")


def write_a_note(page: Any) -> None:
    page.wait_for_load_state()
    page.keyboard.press("j")
    page.keyboard.press("e")
    settle(page)


def open_filters(page: Any) -> None:
    page.locator(".filter-more summary").click()


def open_details(page: Any) -> None:
    page.wait_for_load_state()
    page.keyboard.press("r")
    settle(page)


def open_image(page: Any) -> None:
    page.wait_for_load_state()
    page.keyboard.press("i")


def say_cant_tell(page: Any) -> None:
    page.wait_for_load_state()
    page.keyboard.press("t")


def tag_queries(page: Any) -> None:
    page.get_by_text("Tag queries", exact=True).click()


def open_run_on(page: Any) -> None:
    page.get_by_text("Run on…").click()


def upload_mistakes(page: Any) -> None:
    lines = b'{"request": "Which?", "response": "That."}\n{"request": 7}\nno JSON\n'
    page.locator("#id_file").set_input_files({"name": "inputs.jsonl", "mimeType": "application/json", "buffer": lines})
    page.get_by_role("button", name="Create the batch").click()
    settle(page)
