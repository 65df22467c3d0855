"""How well the versions of judges agree with people, over all runs they judged."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection

from judging.foundation.columns import uuid_param
from judging.foundation.scales import SCALES, Scale
from judging.statistics.agreement.coefficients import FigureName
from judging.statistics.agreement.jackknife import agreement_figure
from judging.statistics.agreement.people import Ceiling, PeopleGrades, ceiling
from judging.statistics.figures import Figure
from judging.statistics.tables import Floats, Integers, mean_grade, query_tables

_ROWS = 5000


@dataclass(frozen=True, eq=False)
class VersionAgreement:
    """A judge version against people's blind grades on one scale, every (query, document) once.

    `scales` are all those on which it has pairs. Relevant is what the scale calls highly relevant. `given` holds each
    person's grades with the version's beside them.
    """

    scale: Scale
    scales: tuple[Scale, ...]
    tables: Floats
    given: PeopleGrades

    @property
    def pair_count(self) -> int:
        return round(float(self.tables.sum()))

    def figure(self, name: FigureName) -> Figure:
        """Compute one figure with its interval."""
        return agreement_figure(self.tables, name, relevant_from=self.scale.highly_relevant_from)

    @property
    def confusion(self) -> list[list[int]]:
        """Count the pairs: rows the version's grade, columns people's."""
        return [[round(count) for count in row] for row in self.tables.sum(0)]

    def ceiling(self) -> Ceiling:
        """Set it beside what people reach among themselves."""
        return ceiling(self.given)


def version_agreements(version_ids: Collection[UUID], *, scale: str = "") -> dict[UUID, VersionAgreement]:
    """Compare judge versions with people, each on the scale with most pairs or on `scale`.

    The newest item of a version for a pair counts, trials included. Versions without a pair are left out.
    """
    by_version: dict[UUID, dict[str, list[tuple[int, ...]]]] = defaultdict(lambda: defaultdict(list))
    authors: dict[Any, int] = {}
    for version_id, on_scale, author, *numbers in _rows(version_ids):
        by_version[version_id][on_scale].append((*numbers, authors.setdefault(author, len(authors))))
    found: dict[UUID, VersionAgreement] = {}
    for version_id, by_scale in by_version.items():
        tables = {name: _newest(np.array(rows, dtype=np.int64)) for name, rows in by_scale.items()}
        chosen = scale if scale in tables else max(tables, key=lambda name: len(tables[name]))
        scales = tuple(SCALES[name] for name in sorted(tables))
        found[version_id] = _agreement(tables[chosen], SCALES[chosen], scales)
    return found


def _rows(version_ids: Collection[UUID]) -> Iterable[tuple[Any, ...]]:
    """Yield (version, scale, author, query, document, item, AI grade, blind grade) of every person's blind grade.

    Led by people's grades, of which there are few: their candidates and the items on these are found by index.
    """
    if not version_ids:
        return
    wanted = ", ".join(["%s"] * len(version_ids))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT judged.judge_version_id, said.scale, said.member_id, said.rater_id, said.query_id,"
            " said.document_id, item.id, item.grade, said.blind_grade"
            " FROM judging_judgment said"
            " JOIN judging_candidate candidate"
            " ON candidate.query_id = said.query_id AND candidate.document_id = said.document_id"
            " JOIN judging_judgingitem item ON item.candidate_id = candidate.id AND item.status = 'judged'"
            " JOIN judging_judgingrun judged ON judged.id = item.judging_run_id"
            # Not the candidate's: what fell out of its list is in no run, while what was said of it stands.
            " JOIN judging_evaluationrun run ON run.id = judged.evaluation_run_id AND run.scale = said.scale"
            f" WHERE said.blind_grade IS NOT NULL AND judged.judge_version_id IN ({wanted})",
            [uuid_param(version_id) for version_id in version_ids],
        )
        while rows := cursor.fetchmany(_ROWS):
            for version, scale, member, rater, *numbers in rows:
                version_id = version if isinstance(version, UUID) else UUID(version)
                yield version_id, scale, (member, rater), *numbers


def _newest(rows: Integers) -> Integers:
    """Keep, of each person's grade of a pair (columns query, document, item, AI, blind, person), the newest item."""
    rows = rows[np.lexsort((rows[:, 2], rows[:, 5], rows[:, 1], rows[:, 0]))]
    pair = rows[:, [0, 1, 5]]
    is_last = np.ones(len(rows), dtype=np.bool_)
    is_last[:-1] = (pair[1:] != pair[:-1]).any(1)
    return np.asarray(rows[is_last])


def _agreement(rows: Integers, scale: Scale, scales: tuple[Scale, ...]) -> VersionAgreement:
    _, first, pair = np.unique(rows[:, :2], axis=0, return_index=True, return_inverse=True)
    pair = pair.reshape(-1)
    means = mean_grade(np.bincount(pair, rows[:, 4]).astype(np.int64), np.bincount(pair))
    grade_count = scale.maximum + 1
    tables = query_tables(rows[first, 0], rows[first, 3], means, grade_count=grade_count)
    _, query = np.unique(rows[:, 0], return_inverse=True)
    given = PeopleGrades.read(rows[:, 5], pair, query, rows[:, 4], grade_count=grade_count, ai=rows[:, 3])
    return VersionAgreement(scale, scales, tables, given)
