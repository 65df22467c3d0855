"""Runs with many grades on them, written in bulk."""

from collections.abc import Mapping, Sequence

from judging import ledger
from judging.models import Candidate, Corpus, EvaluationRun, ImportedRater, Judgment
from tests.factories import make_evaluation, make_run

Rows = Sequence[Sequence[int | None]]  # grades by query and rank; None: none


def make_graded_run(
    *, ai: Rows | None = None, raters: Mapping[str, Rows] | None = None, corpus: Corpus | None = None, **fields: object
) -> EvaluationRun:
    """Make a run whose i-th query returned document "d<rank>" at each rank, with these grades on them.

    `raters` are imported ones, whose grades are blind. Metrics and cached grades are renewed.
    """
    raters = raters or {}
    shape = ai if ai is not None else next(iter(raters.values()))
    results = {f"query {i}": [f"d{rank}" for rank in range(1, len(row) + 1)] for i, row in enumerate(shape)}
    evaluation = make_evaluation(corpus) if corpus else make_evaluation()
    run = make_run(results, evaluation=evaluation, **fields)  # type: ignore[arg-type]
    give_grades(run, ai=ai, raters=raters)
    return run


def give_grades(run: EvaluationRun, *, ai: Rows | None = None, raters: Mapping[str, Rows] | None = None) -> None:
    """Write grades of a run's candidates by query and rank, as an import does."""
    corpus = run.evaluation.corpus
    candidates = list(Candidate.objects.filter(run=run).order_by("position", "rank"))
    first = min(row.position for row in candidates)
    new: list[Judgment] = []
    for name, rows in (raters or {}).items():
        rater, _ = ImportedRater.objects.get_or_create(corpus=corpus, name=name)
        for row in candidates:
            grade = rows[row.position - first][row.rank - 1]
            if grade is not None:
                new.append(_judgment(run, row, grade, author_kind="rater", rater=rater, blind_grade=grade))
    for row in candidates if ai is not None else ():
        grade = ai[row.position - first][row.rank - 1] if ai is not None else None
        if grade is not None:
            new.append(_judgment(run, row, grade, author_kind="ai", judge_label="Judge v1"))
    Judgment.objects.bulk_create(new, batch_size=2000)
    ledger.refresh_run(run.pk)
    run.refresh_from_db()


def _judgment(run: EvaluationRun, row: Candidate, grade: int, **fields: object) -> Judgment:
    return Judgment(
        corpus_id=run.evaluation.corpus_id,
        query_id=row.query_id,
        document_id=row.document_id,
        scale=run.scale,
        grade=grade,
        **fields,
    )
