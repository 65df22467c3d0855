"""What people saw of the AI's grades outlives their own: a grade given again is no blinder than the one taken back."""

from collections.abc import Collection, Iterable
from uuid import UUID

from judging.models import Judgment, SeenAIGrade


def blind_grades_before_seeing(
    member_id: UUID, scale: str, pairs: Collection[tuple[int, int]]
) -> dict[tuple[int, int], int | None]:
    """Return what a member said blind of those pairs (query, document) whose AI grade they are known to have seen."""
    rows = SeenAIGrade.objects.filter(
        member_id=member_id,
        scale=scale,
        query_id__in={query_id for query_id, _ in pairs},
        document_id__in={document_id for _, document_id in pairs},
    )
    return {(row.query_id, row.document_id): row.blind_grade for row in rows}


def note_seen(judgments: Iterable[Judgment]) -> None:
    """Keep that the members of these judgments saw the AI's grades. Part of the transaction that changes them."""
    SeenAIGrade.objects.bulk_create(
        [
            SeenAIGrade(
                member_id=judgment.member_id,
                query_id=judgment.query_id,
                document_id=judgment.document_id,
                scale=judgment.scale,
                blind_grade=judgment.blind_grade,
            )
            for judgment in judgments
            if judgment.member_id is not None
        ],
        ignore_conflicts=True,
        batch_size=100,
    )
