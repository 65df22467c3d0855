"""The commands that import and export: one line of error and exit code 1, or what was asked for."""

import io
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from judging.models import Corpus, Evaluation, EvaluationRun
from tests.factories import make_evaluation, make_run
from tests.runs.importing import DOCUMENTS, QUERIES, RUN, row_counts

pytestmark = pytest.mark.django_db


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    paths = {}
    for name, text in (("run", RUN), ("queries", QUERIES), ("documents", DOCUMENTS)):
        (tmp_path / name).write_text(text)
        paths[name] = str(tmp_path / name)
    return paths


def call(command: str, /, *arguments: str, **options: Any) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(command, *arguments, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def test_a_run_is_imported_into_an_evaluation_and_corpus_made_for_it(files: dict[str, str]) -> None:
    common = {"corpus": "Shop", "scale": "trec", **files}

    out, err = call("import_run", "Search", name="first", metrics=["NDCG@5,MAP", "P@3"], **common)
    call("import_run", "Search", name="second", **common)

    first = EvaluationRun.objects.get(name="first")
    assert out == f"{first.pk}\n"
    assert 'Imported "first": 2 queries, 3 candidates, 0 of them judged.' in err
    assert first.metrics == ["NDCG@5", "MAP", "P@3"]
    assert (Evaluation.objects.count(), Corpus.objects.count(), EvaluationRun.objects.count()) == (1, 1, 2)


@pytest.mark.parametrize(("evaluation", "corpus"), [("  ", "Shop"), ("Search", " "), ("Search", "x" * 300)])
def test_names_that_no_page_would_take_are_refused_and_leave_nothing(
    files: dict[str, str], evaluation: str, corpus: str
) -> None:
    with pytest.raises(CommandError, match="name: "):
        call("import_run", evaluation, name="first", scale="trec", corpus=corpus, **files)
    assert (Corpus.objects.count(), Evaluation.objects.count()) == (0, 0)


def test_an_evaluation_is_found_by_id_or_name(files: dict[str, str]) -> None:
    evaluation = make_evaluation(name="twice")
    call("import_run", "twice", name="by name", scale="trec", **files)
    make_evaluation(name="twice")

    with pytest.raises(CommandError, match='More than one evaluation is named "twice": give its id'):
        call("import_run", "twice", name="x", scale="trec", **files)
    call("import_run", str(evaluation.pk), name="by id", scale="trec", **files)

    assert evaluation.runs.count() == 2


def test_a_refused_run_file_is_told_by_file_and_line_and_leaves_nothing(files: dict[str, str]) -> None:
    Path(files["run"]).write_text(RUN + "oops\nq1 Q0 d1 1 1 t\n")
    before = row_counts()

    with pytest.raises(CommandError) as refused:
        call("import_run", "Search", name="x", scale="trec", corpus="Shop", **files)

    lines = str(refused.value).splitlines()
    assert lines[0].startswith("Nothing was imported. run, line 4: 6 columns are expected")
    assert lines[1].startswith('run, line 5: rank 1 of query "q1" stands in line 1, too')
    assert row_counts() == before
    assert not Corpus.objects.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "Give --results, or --run"),
        ({"results": "x", "run": "x"}, "not --results and --run"),
        ({"queries": "x", "documents": "x"}, "Give --results, or --run"),
        ({"results": __file__, "read_as": "xlsx"}, 'No format "xlsx" is known'),
        ({"results": "/nowhere/x.jsonl"}, "/nowhere/x.jsonl can't be read: No such file or directory"),
        ({"results": "/"}, "/ can't be read: Is a directory"),
        ({"results": __file__, "user": "no@example.com"}, 'There is no active user "no@example.com"'),
        ({"results": __file__, "metrics": ["NDCG"]}, "NDCG needs a cut-off"),
    ],
)
def test_wrong_options_are_told_in_one_line(options: dict[str, Any], message: str) -> None:
    make_evaluation(name="e")

    with pytest.raises(CommandError) as refused:
        call("import_run", "e", name="x", scale="trec", **options)

    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_unknown_evaluation_says_how_to_make_it(files: dict[str, str]) -> None:
    with pytest.raises(CommandError, match="To make it, name its corpus with --corpus"):
        call("import_run", "e", name="x", scale="trec", **files)


def test_results_may_come_from_a_pipe(tmp_path: Path) -> None:
    make_evaluation(name="e")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=('{"query": "a", "candidates": []}\n',), daemon=True)
    writer.start()

    call("import_run", "e", name="x", scale="trec", results=str(pipe))

    writer.join()
    assert EvaluationRun.objects.get().query_count == 1


def test_judgments_are_imported_and_exported(tmp_path: Path) -> None:
    run = make_run(name="r")
    source, target = tmp_path / "grades", tmp_path / "out.qrels"
    source.write_text("q1 0 d1 3\nq2 0 d4 1\n")

    out, err = call("import_judgments", str(run.evaluation.corpus.pk), str(source), scale="graded")
    call("export_judgments", "r", format="qrels", output=str(target))

    assert out == "Read 2 judgments, wrote 2. 2 of them concern a candidate of 1 run.\n"
    assert "file: read as TREC qrels (MS MARCO's, too) (qrels)." in err
    assert target.read_text() == "q1 0 d1 3\nq2 0 d4 1\n"
    assert call("export_judgments", str(run.pk))[0].startswith("query_id,query,doc_id,grade,scale,author")


def test_refused_judgments_are_told_by_line(tmp_path: Path) -> None:
    run = make_run()
    source = tmp_path / "grades.qrels"
    source.write_text("q1 0 d1 3\nq1 0 d1 2\n")

    with pytest.raises(CommandError, match=r"^Nothing was imported. file, line 2: .* stands in line 1, too$"):
        call("import_judgments", run.evaluation.corpus.name, str(source), scale="graded")


def test_what_can_t_be_exported_is_told_in_one_line() -> None:
    with pytest.raises(CommandError, match='There is no evaluation run "r"'):
        call("export_judgments", "r")
    make_run(name="r")
    with pytest.raises(CommandError, match="can't be written: No such file or directory"):
        call("export_judgments", "r", output="/nowhere/x.csv")
