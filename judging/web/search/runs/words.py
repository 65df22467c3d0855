"""What failures of searches mean, and what to do about them."""

from judging.models import SearchFailureCode
from judging.web.remedies import Remedy

FAILURES: dict[str, Remedy] = {
    SearchFailureCode.TIMEOUT: Remedy(
        "Timed out", "The engine took longer than the endpoint allows. Raise its timeout, or ask for less."
    ),
    SearchFailureCode.CONNECTION: Remedy(
        "No connection", "Nothing answers at the endpoint's address. Is the engine running, and reachable from here?"
    ),
    SearchFailureCode.HTTP_STATUS: Remedy(
        "Refused by the engine", "The engine answered with an error; the answer below says which. Mend the template."
    ),
    SearchFailureCode.RATE_LIMITED: Remedy(
        "Rate limited", "The engine asked for fewer requests, again and again. Lower the endpoint's limits and resume."
    ),
    SearchFailureCode.INVALID_RESPONSE: Remedy(
        "Unreadable answer", "The answer is no JSON. Does the address lead to the engine, or to a sign-in page?"
    ),
    SearchFailureCode.MAPPING_FAILED: Remedy(
        "Mapping failed",
        "The answer has no candidates where the mapping looks. Correct it on the endpoint, then read the answers again.",
    ),
    SearchFailureCode.DUPLICATE_IDS: Remedy(
        "Repeated ids", "The answer lists an id twice. Map another field as the id, then read the answers again."
    ),
    SearchFailureCode.TEMPLATE_INVALID: Remedy(
        "Template failed", "The template makes no request of this query. Correct it, and start a new run."
    ),
    SearchFailureCode.TOO_LARGE: Remedy(
        "Answer too large", "Ask for fewer fields or a smaller page, or raise the endpoint's limit."
    ),
    SearchFailureCode.REFUSED_ADDRESS: Remedy(
        "Address refused", "The address leads to a network that is never called, such as a cloud's metadata service."
    ),
}
