"""What to do about each way in which a search fails."""

from judging.web.remedies import Remedy

_NOTHING = Remedy("Failed", "The message says what happened.")

SEARCH_REMEDIES = {
    "timeout": Remedy(
        "No answer in time", "Raise the timeout under “Limits”, ask for fewer documents, or look at the engine's load."
    ),
    "connection": Remedy(
        "No connection",
        "Check host and port of the address, and that this machine reaches them. An engine in a container is not at"
        " localhost; one with a certificate of its own needs it under “Connection”.",
    ),
    "http_status": Remedy(
        "Refused by the engine",
        "Its words below say why. 404: path, or the index's name, in the address; 400: body or query string of the"
        " template; 405: the method; 3xx: use the address that it leads to.",
    ),
    "authentication_failed": Remedy(
        "Authentication refused",
        "The engine wants other credentials (401), or these may not search (403): give them again under"
        " “Authentication”.",
    ),
    "rate_limited": Remedy(
        "Asked too fast", "The engine answers 429. Set its requests per minute under “Limits”: runs then wait."
    ),
    "busy": Remedy(
        "Its limits are used up", "Others are asking it: wait a minute, or raise what it takes under “Limits”."
    ),
    "invalid_response": Remedy(
        "Unreadable answer",
        "The answer is not JSON. HTML is often a sign-in page or a proxy: check the address. Some engines want"
        " a parameter such as wt=json in the query string.",
    ),
    "mapping_failed": Remedy(
        "The mapping does not fit",
        "It finds no list in this answer, or rows without an id. Choose a proposal below, or correct the path.",
    ),
    "duplicate_ids": Remedy(
        "Ids repeat",
        "Two rows have one id, so it is not the document's own: map another key, or have the engine group the rows.",
    ),
    "template_invalid": Remedy(
        "The template makes no request", "Correct the place that the message names; values are escaped on their own."
    ),
    "too_large": Remedy(
        "Answer too large", "Ask for fewer fields or documents, or raise the limit of an answer under “Limits”."
    ),
    "refused_address": Remedy(
        "Address refused", "Link-local addresses and the metadata services of clouds are never asked. Use another."
    ),
}


def search_remedy(code: str) -> Remedy:
    return SEARCH_REMEDIES.get(code, _NOTHING)
