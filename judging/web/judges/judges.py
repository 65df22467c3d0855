"""AI judges: list, make, change, try, duplicate, delete. The editor's acts are buttons of one form, so that nothing
typed is lost and everything works without a script; htmx swaps the part that an act is about."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from judging.asking.judge_presets import JUDGE_PRESETS, JUDGE_PRESETS_BY_KEY
from judging.foundation.errors import DomainError, Invalid
from judging.judges.judge_lists import judge_list, known_models, offered_models
from judging.judges.judges import delete_judge, draft_judge, duplicate_judge, save_judge
from judging.judges.providers import save_provider
from judging.local_judge.server import MODEL as LOCAL_MODEL
from judging.models import AIJudge
from judging.providers.registry import PROVIDER_TYPES
from judging.records.visibility import get_judge, may_change
from judging.web.base import PageRequest, errors_on, member_required, page_of, page_or_fragment, tell_and_go, toast
from judging.web.judges.forms import NEW_PROVIDER, VARIABLES, JudgeForm
from judging.web.judges.provider_forms import ProviderForm
from judging.web.judges.several import ask_next, begin, continued
from judging.web.judges.trials import add_preview, problems_in, problems_of, run_test, trial_of

_PAGE = "judging/judges/editor.html"
_TEST = "judging/judges/_test.html"
_UNNAMED = "Draft"


@require_safe
@member_required
def ai_judges(request: PageRequest) -> HttpResponse:
    return render(request, "judging/judges/list.html", {"page": page_of(request, judge_list(request.user))})


@sensitive_post_parameters("provider-api_key")
@member_required
def ai_judge_create(request: PageRequest) -> HttpResponse:
    return _editor(request, None)


@sensitive_post_parameters("provider-api_key")
@member_required
def ai_judge(request: PageRequest, judge_id: UUID) -> HttpResponse:
    return _editor(request, get_judge(request.user, judge_id))


@require_POST
@member_required
def delete_ai_judge(request: PageRequest, judge_id: UUID) -> HttpResponse:
    judge = get_judge(request.user, judge_id)
    name = judge.name
    is_archived = delete_judge(actor=request.user, judge=judge)
    return tell_and_go(
        request,
        f"{name} is deleted. What it judged stays." if is_archived else f"{name} is deleted.",
        "ai_judges",
    )


@require_POST
@member_required
def duplicate_ai_judge(request: PageRequest, judge_id: UUID) -> HttpResponse:
    copy = duplicate_judge(actor=request.user, judge=get_judge(request.user, judge_id))
    return tell_and_go(request, f"{copy.name} is made. It is yours alone until you share it.", "ai_judge", copy.pk)


def _editor(request: PageRequest, judge: AIJudge | None) -> HttpResponse:
    if request.method != "POST":
        preset = None if judge else JUDGE_PRESETS_BY_KEY.get(request.GET.get("template", ""))
        return _page(request, judge, JudgeForm(request.user, judge=judge, preset=preset), preset=preset)
    acts: dict[str, Callable[[PageRequest, AIJudge | None], HttpResponse]] = {
        "add_provider": _add_provider,
        "preview": _preview,
        "choose": _choose,
        "models": _models,
        "test": _test,
        "test_several": _test_several,
        "test_next": _test_next,
    }
    return acts.get(request.POST.get("act", ""), _save)(request, judge)


def _save(request: PageRequest, judge: AIJudge | None) -> HttpResponse:
    data: QueryDict = request.POST
    provider_form = None
    if data.get("ai_provider_id") == NEW_PROVIDER:
        data, provider_form = _with_new_provider(request)
    form = JudgeForm(request.user, data, judge=judge)
    if form.is_valid():
        with errors_on(form):
            before = judge.version if judge else 0
            saved = save_judge(
                actor=request.user,
                fields=form.values(),
                judge=judge,
                expected_version=form.cleaned_data["version"] if judge else None,
            )
            if judge is None:
                done = f"{saved.name} is made. Run it on an evaluation run, or test it here first."
            elif saved.version != before:
                done = f"{saved.name} is saved as version {saved.version}. Runs under way stay with theirs."
            else:
                done = f"{saved.name} is saved. Nothing changed that makes a version."
            return tell_and_go(request, done, "ai_judge", saved.pk)
    return _page(request, judge, form, provider_form=provider_form, status=400)


def _with_new_provider(request: PageRequest) -> tuple[QueryDict, ProviderForm | None]:
    """Make the provider that was typed beside the judge; return the data with it chosen, or its form with errors."""
    provider_form = ProviderForm(request.user, request.POST, prefix="provider")
    if provider_form.is_valid():
        with errors_on(provider_form):
            provider = save_provider(actor=request.user, **provider_form.values())
            data = request.POST.copy()
            data["ai_provider_id"] = str(provider.pk)
            if provider.type == "local" and not data.get("model", "").strip():
                data["model"] = LOCAL_MODEL
            toast(request, messages.SUCCESS, f"{provider.name} is connected.")
            return data, None
    return request.POST, provider_form


def _add_provider(request: PageRequest, judge: AIJudge | None) -> HttpResponse:
    data, provider_form = _with_new_provider(request)
    form = JudgeForm(request.user, typed=data)
    return _page(request, judge, form, provider_form=provider_form, fragment="judging/judges/_model_fields.html")


def _preview(request: PageRequest, judge: AIJudge | None) -> HttpResponse:
    return _page(request, judge, _typed(request, judge), fragment="judging/judges/_preview.html")


def _models(request: PageRequest, judge: AIJudge | None) -> HttpResponse:
    """Answer the names of models to offer for the provider that was chosen, or is being connected."""
    known = _models_of(request, JudgeForm(request.user, typed=request.POST))
    return render(request, "judging/judges/_models.html", {"known_models": known})


def _models_of(request: PageRequest, form: JudgeForm) -> list[str]:
    chosen = str(form["ai_provider_id"].value())
    provider = next((provider for provider in form.providers if str(provider.pk) == chosen), None)
    if provider is not None:
        return offered_models(request.user, provider)
    return known_models(request.POST.get("provider-type", "openai"))


def _choose(request: PageRequest, judge: AIJudge | None) -> HttpResponse:
    return _page(request, judge, _typed(request, judge), fragment="judging/judges/_try.html")


def _test(request: PageRequest, judge: AIJudge | None) -> HttpResponse:
    result: dict[str, Any] = {}
    try:
        tested = _tested(request, judge, request.POST.dict())
        if isinstance(tested, AIJudge):
            result["shown_test"] = run_test(tested, trial_of(request), request.user)
        else:
            result["test_problems"] = tested
    except DomainError as error:
        result["test_problems"] = problems_in(error, JudgeForm(request.user, judge=judge))
    return _page(request, judge, _typed(request, judge), fragment=_TEST, **result)


def _tested(request: PageRequest, judge: AIJudge | None, data: Mapping[str, str]) -> AIJudge | list[str]:
    """Return the judge as a form has it, saved or not, or what keeps it from being tested.

    Users who may not change a judge test the stored one.
    """
    if judge is not None and not _is_editable(request, judge):
        return judge
    form = JudgeForm(request.user, {**data, "name": data.get("name", "").strip() or _UNNAMED}, judge=judge)
    return draft_judge(actor=request.user, fields=form.values()) if form.is_valid() else problems_of(form)


def _test_several(request: PageRequest, judge: AIJudge | None) -> HttpResponse:
    """Show the frame of a test over several queries; the page then asks for one after the other."""
    result: dict[str, Any] = {}
    try:
        several = begin(request, trial_of(request))
        tested = _tested(request, judge, several.typed)
        result = {"several": several} if isinstance(tested, AIJudge) else {"test_problems": tested}
    except DomainError as error:
        result["test_problems"] = problems_in(error, JudgeForm(request.user, judge=judge))
    return _page(request, judge, _typed(request, judge), fragment=_TEST, **result)


def _test_next(request: PageRequest, judge: AIJudge | None) -> HttpResponse:
    several = continued(request)
    tested = _tested(request, judge, several.typed)
    if not isinstance(tested, AIJudge):
        raise Invalid(" ".join(tested))
    step = ask_next(tested, several, request.user)
    context = {"step": step, "several": step.several, "is_next": True}
    return render(request, "judging/judges/_several_step.html", context)


def _typed(request: PageRequest, judge: AIJudge | None) -> JudgeForm:
    if judge is not None and not _is_editable(request, judge):
        # Its fields are disabled, so browsers do not send them.
        return JudgeForm(request.user, judge=judge)
    return JudgeForm(request.user, typed=request.POST)


def _is_editable(request: PageRequest, judge: AIJudge | None) -> bool:
    return judge is None or (judge.archived_at is None and may_change(request.user, judge))


def _page(
    request: PageRequest,
    judge: AIJudge | None,
    form: JudgeForm,
    *,
    provider_form: ProviderForm | None = None,
    fragment: str = _PAGE,
    status: int = 200,
    **result: Any,
) -> HttpResponse:
    trial = trial_of(request)
    if not (request.htmx and fragment == _TEST):
        add_preview(trial, form)
    context = {
        "judge": judge,
        "form": form,
        "provider_form": provider_form or ProviderForm(request.user, prefix="provider"),
        "provider_types": PROVIDER_TYPES.values(),
        "is_editable": _is_editable(request, judge),
        "may_delete": judge is not None and _is_editable(request, judge),
        "variables": VARIABLES,
        "presets": JUDGE_PRESETS,
        "known_models": _models_of(request, form),
        "local_model": LOCAL_MODEL,
        "trial": trial,
        **result,
    }
    return page_or_fragment(request, _PAGE, fragment, context, status=status)
