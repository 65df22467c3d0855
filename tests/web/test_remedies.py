"""What pages advise where something failed."""

from judging.foundation.answers import FailureCode
from judging.models import SearchFailureCode
from judging.web.remedies import ITEM_REMEDIES
from judging.web.search.remedies import SEARCH_REMEDIES
from judging.web.search.runs.words import FAILURES


def test_every_failure_code_has_its_advice() -> None:
    assert set(ITEM_REMEDIES) == set(FailureCode)
    assert set(FAILURES) == set(SearchFailureCode.values)
    assert set(SEARCH_REMEDIES) >= set(SearchFailureCode.values)
