"""The only writer of judgments and of what is derived from them."""

from judging.ledger.ai_grades import AIGrade, record_ai_grades
from judging.ledger.cached import refresh_run
from judging.ledger.confirmed import confirm_chunk, confirmed_at, take_back_chunk
from judging.ledger.imported import apply_staged
from judging.ledger.locks import snapshot_run, unlock_run
from judging.ledger.making_current import (
    Effect,
    Replaced,
    effect_of_making_current,
    left_to_make_current,
    make_chunk_current,
)
from judging.ledger.people import PersonGrade, record_person_grades
from judging.ledger.renewal import renew_metrics
from judging.ledger.runs import lock_unlocked_runs

__all__ = [
    "AIGrade",
    "Effect",
    "PersonGrade",
    "Replaced",
    "apply_staged",
    "confirm_chunk",
    "confirmed_at",
    "effect_of_making_current",
    "left_to_make_current",
    "lock_unlocked_runs",
    "make_chunk_current",
    "record_ai_grades",
    "record_person_grades",
    "refresh_run",
    "renew_metrics",
    "snapshot_run",
    "take_back_chunk",
    "unlock_run",
]
