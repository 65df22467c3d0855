"""Advice for each failure, with the form to open."""

from dataclasses import dataclass
from typing import Literal

from django.urls import reverse

from judging.foundation.answers import FailureCode
from judging.models import JudgeVersion

Where = Literal["judge", "provider", ""]


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to do about a failure; `where` names the form that does it."""

    title: str
    text: str
    where: Where = ""


_NOTHING = Remedy("Failed", "The message says what happened.")

ITEM_REMEDIES: dict[str, Remedy] = {
    FailureCode.UNPARSEABLE: Remedy(
        "Reply not readable",
        "The model did not answer in <candidate> blocks, but in JSON, Markdown or prose. Refine the prompt template:"
        " show the reply format last, with an example.",
        "judge",
    ),
    FailureCode.OUT_OF_SCALE: Remedy(
        "Grade outside the scale",
        "The model gave a grade that the scale does not have. State the range in the prompt:"
        " {{scale_min}} to {{scale_max}}.",
        "judge",
    ),
    FailureCode.MISSING: Remedy(
        "Left out of the reply",
        "The reply held grades for fewer candidates than were sent. Lower the batch size until every one comes back.",
        "judge",
    ),
    FailureCode.TRUNCATED: Remedy(
        "Reply cut off",
        "The model ran out of output tokens. Lower the batch size, or raise max. output tokens.",
        "judge",
    ),
    FailureCode.CONFLICTING: Remedy(
        "Two different grades",
        "The reply grades one candidate twice, differently. Ask for one block per candidate, or lower the batch size.",
        "judge",
    ),
    FailureCode.EMPTY_REPLY: Remedy(
        "Empty reply",
        "The model answered nothing. Reasoning models may spend all output tokens on thinking: raise max. output tokens.",
        "judge",
    ),
    FailureCode.REFUSED: Remedy(
        "Refused by the model",
        "The model declined to answer. Say in the prompt that documents are data to be judged, or use another model.",
        "judge",
    ),
    FailureCode.REQUEST_REJECTED: Remedy(
        "Prompt rejected",
        "The provider refused this prompt: its content filter, or too long. Lower max. document characters or the batch"
        " size.",
        "judge",
    ),
    FailureCode.RETRIES_EXHAUSTED: Remedy(
        "No answer after all retries",
        "The provider was busy or unreachable each time. Judge what failed later, with a lower concurrency.",
        "provider",
    ),
}

RUN_REMEDIES = {
    "authentication": Remedy("The key was refused", "Rotate the API key, then start a new judging run.", "provider"),
    "permission": Remedy(
        "Not permitted", "Give the key access to this model, or use another key, then start anew.", "provider"
    ),
    "no_quota": Remedy(
        "No quota left", "Raise the quota or the credit at the provider, then fill the gaps.", "provider"
    ),
    "unknown_model": Remedy(
        "Unknown model", "Correct the model's name in the judge, or the endpoint URL in the provider.", "judge"
    ),
    "misconfigured": Remedy(
        "Settings don't fit", "Correct the endpoint URL or what the message names, then start anew.", "provider"
    ),
    "provider_outage": Remedy(
        "The provider is down", "Check the endpoint URL. If it is right, wait, then fill the gaps.", "provider"
    ),
    "token_budget_reached": Remedy(
        "Token budget reached", "What was judged stays. Fill the gaps with a larger budget, or without one."
    ),
    "all_refused": Remedy(
        "Every prompt was refused",
        "The service's words tell what it does not take: most often the model's name or a setting. Correct it, then"
        " judge what failed.",
        "judge",
    ),
    "run_locked": Remedy("The run was locked", "Unlock the evaluation run, then fill the gaps."),
}


def item_remedy(code: str) -> Remedy:
    return ITEM_REMEDIES.get(code, _NOTHING)


def run_remedy(code: str) -> Remedy | None:
    return RUN_REMEDIES.get(code)


def remedy_link(remedy: Remedy | None, version: JudgeVersion) -> tuple[str, str]:
    """Return address and words of the form that a remedy is about, "" where there is none."""
    if remedy is None or not remedy.where:
        return "", ""
    route, key, words = (
        ("ai_judge", version.judge_id, "Open the judge")
        if remedy.where == "judge"
        else ("ai_provider", version.ai_provider_id, "Open the provider")
    )
    return reverse(route, args=[key]), words
