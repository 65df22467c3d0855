"""Results of an evaluation run from files: one with everything, or a run with its queries and documents."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from judging.records.lists.ranked_lists import RankedCandidate, RankedList
from judging.records.reading.spellings import names_of
from judging.records.reading.upload import BadValue, Problems, SourceFile, shown
from judging.runs.importing.formats.recognition import AnyFormat, recognised
from judging.runs.importing.formats.shapes import Content, Notes, QueryRow, Reading
from judging.runs.importing.ranking import Documents, Ranking, read_queries
from judging.runs.importing.results import CheckedResults, QueryRegister, ScoreOrder, check_results


@dataclass(frozen=True, slots=True)
class ResultsFile:
    """A file that holds queries with their candidates, as JSON or as a table."""

    file: IO[bytes]
    read_as: Mapping[str, str] = field(default_factory=dict)
    allow_missing_documents: bool = False

    def check(self, match_mode: str) -> CheckedResults:
        source = SourceFile("results", self.file)
        [known] = recognise_all([source], self.read_as)
        if known.content is Content.RUN:
            return _check_ranking(
                {"results": (source, known)},
                match_mode,
                allow_missing_documents=self.allow_missing_documents,
                only_ranked_queries=False,
            )

        def rows(problems: Problems) -> Iterator[tuple[int, Any]]:
            return known.read(source, Reading(problems, match_mode))

        return check_results(rows, unit="line", match_mode=match_mode, read_as={"results": known.name})


@dataclass(frozen=True, slots=True)
class RunFiles:
    """A run, such as TREC's. Every query of the queries file is part of it, found or not.

    The order is the rank column; where that says the same everywhere, or is missing, the scores decide. `queries` may
    be left out where the run has their text. `only_ranked_queries` leaves out those that the run found nothing for.
    """

    run: IO[bytes]
    queries: IO[bytes] | None = None
    documents: IO[bytes] | None = None
    allow_missing_documents: bool = False
    only_ranked_queries: bool = False
    read_as: Mapping[str, str] = field(default_factory=dict)

    def check(self, match_mode: str) -> CheckedResults:
        given = {"run": self.run, "queries": self.queries, "documents": self.documents}
        sources = [SourceFile(name, file) for name, file in given.items() if file is not None]
        known = recognise_all(sources, self.read_as)
        return _check_ranking(
            {source.name: (source, each) for source, each in zip(sources, known, strict=True)},
            match_mode,
            allow_missing_documents=self.allow_missing_documents,
            only_ranked_queries=self.only_ranked_queries,
        )


def recognise_all(sources: list[SourceFile], read_as: Mapping[str, str], *, file_name: str = "") -> list[AnyFormat]:
    """Return the format of each file. Raises ImportRejected with what is wrong with any of them."""
    problems = Problems()
    found = []
    for source in sources:
        try:
            found.append(recognised(source, read_as, file_name=file_name))
        except BadValue as error:
            problems.add(source.name, 0, str(error))
    problems.raise_if_any()
    return found


def _check_ranking(
    files: Mapping[str, tuple[SourceFile, AnyFormat]],
    match_mode: str,
    *,
    allow_missing_documents: bool,
    only_ranked_queries: bool,
) -> CheckedResults:
    problems = Problems()
    readings = {name: Reading(problems, match_mode) for name in files}
    run_name = next(name for name in files if name in ("run", "results"))
    given_queries = read_queries(*files["queries"], readings["queries"]) if "queries" in files else None
    # What lines that were refused would have held is unknown: no complaints that it is missing.
    has_all_queries = not problems.total
    documents = Documents(*files["documents"], readings["documents"]) if "documents" in files else None
    has_all_documents = has_all_queries and not problems.total
    ranking = Ranking(*files[run_name], readings[run_name])
    for number in ranking.lines_without_score():
        problems.add(run_name, number, "the score is missing, and the ranks are all the same")
    queries, query_warnings = _queries(given_queries, ranking, run_name, problems, only_ranked_queries)
    _check_queries(queries, "queries" if given_queries is not None else run_name, match_mode, problems)
    if not ranking.keys and not problems.total:
        problems.add(run_name, 0, "there are no ranked documents in it")

    order = ScoreOrder()
    missing: set[str] = set()
    count = 0
    for key in ranking.keys:
        lines = ranking.sorted_lines(key, readings[run_name])
        if key not in queries and has_all_queries and given_queries is not None:
            first = min((line.number for line in lines), default=0)
            problems.add(run_name, first, f"the query_id {shown(key)} is not in the queries file")
        for line in lines:
            is_known = line.content is not None or (documents is not None and line.external_id in documents)
            if not is_known and line.external_id not in missing:
                missing.add(line.external_id)
                if has_all_documents and not allow_missing_documents and documents is not None:
                    problems.add(run_name, line.number, f"{shown(line.external_id)} is not in the documents file")
        candidates = [RankedCandidate(line.external_id, None, line.score) for line in lines]
        order.note(candidates, f"query {key}" if not key.startswith("\x00") else f"query {queries[key].body}")
        count += len(lines)
    if documents is None and not allow_missing_documents and (missing or not ranking.keys):
        problems.add("documents", 0, "a documents file is needed, or allow missing documents")
    problems.raise_if_any()

    warnings = [*_order_warnings(ranking, order), *query_warnings]
    for name in files:
        warnings.extend(_note_warnings(name, readings[name].notes))

    def read() -> Iterator[RankedList]:
        for key, query in queries.items():
            yield RankedList(query.body, query.label, ranking.candidates(key, documents), query.tags)

    read_as = {name: known.name for name, (_, known) in files.items()}
    return CheckedResults(len(queries), count, warnings, read, frozenset(missing), read_as)


def _queries(
    given: dict[str, QueryRow] | None, ranking: Ranking, run_name: str, problems: Problems, only_ranked: bool
) -> tuple[dict[str, QueryRow], list[str]]:
    """Return the queries that are part of the run, by key, and what is to be said of them."""
    if given is None:
        if not problems.total and any(key not in ranking.bodies for key in ranking.keys):
            problems.add("queries", 0, "a queries file is needed: the run names its queries by id only")
        return ranking.bodies, []
    if not given and not problems.total:
        problems.add("queries", 0, "there are no queries in it")
    if any(key.startswith("\x00") for key in ranking.keys):
        problems.add("queries", 0, "leave this file out: the run names its queries by their text")
    without = [row for label, row in given.items() if label not in ranking]
    warnings = []
    if len(without) < len(given):
        if only_ranked:
            queries = "1 query" if len(without) == 1 else f"{len(without):,} queries"
            if without:
                warnings.append(f"{queries} without candidates in the run were left out")
            return {label: row for label, row in given.items() if label in ranking}, warnings
        if 2 * len(without) > len(given):
            warnings.append(
                f"{len(without):,} of {len(given):,} queries have no candidates in the run and are part of it all the"
                " same; only_ranked_queries leaves them out"
            )
    if without and without[0].line == 1:
        warnings.append(
            f"the query in line 1 of the queries file, {shown(without[0].body)}, has no candidates in the run:"
            " should the line be a header, remove it and import again"
        )
    return given, warnings


def _check_queries(queries: dict[str, QueryRow], name: str, match_mode: str, problems: Problems) -> None:
    register = QueryRegister(match_mode)
    for query in queries.values():
        # Labels are unique already.
        for message in register.problems_of(query.body, "", query.line):
            of = f" (query_id {shown(query.label)})" if query.label else ""
            problems.add(name, query.line, f"{message}{of}")


def _order_warnings(ranking: Ranking, order: ScoreOrder) -> list[str]:
    if ranking.only_rank is not None:
        return [f"every line has the rank {ranking.only_rank}: the candidates were ordered by their scores"]
    return order.warnings()


def _note_warnings(name: str, notes: Notes) -> list[str]:
    warnings = notes.document_warnings()
    if notes.ignored:
        warnings.append(f"columns of the {name} file that have no meaning here were ignored: {names_of(notes.ignored)}")
    if notes.duplicates:
        lines = "1 repeated line" if notes.duplicates == 1 else f"{notes.duplicates:,} repeated lines"
        warnings.append(f"left out: {lines} of the {name} file")
    return warnings
