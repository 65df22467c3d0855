"""The installation that the tests of this folder look at."""

import json
import re
import shutil
from pathlib import Path

import pytest

from judging.demo import electronics
from judging.models import DocumentVersion, Role, RunQuery
from tests.factories import make_user
from tests.review.giving import GivenGrade, record_judgments
from tests.security.hostile import HOSTILE, KEYS, graded
from tests.security.installation import Installation, install
from tests.stub.fixtures import Stub

API_KEY = "sk-Dist1nctive<Key>&7f3e/9a1b+2c4d"


@pytest.fixture
def installation(transactional_db: None, stub: Stub) -> Installation:
    owner, admin = make_user(Role.MEMBER, email="owner@example.com"), make_user(Role.ADMIN, email="admin@example.com")
    return install(owner=owner, admin=admin, base_url=stub.base_url, api_key=API_KEY, judged=True)


@pytest.fixture
def hostile(transactional_db: None, stub: Stub) -> Installation:
    """The same with hostile text in whatever people, documents and models write."""
    owner = make_user(Role.MEMBER, email="owner@example.com", name=f"Owner{HOSTILE}")
    admin = make_user(Role.ADMIN, email="admin@example.com", name=f"Admin{HOSTILE}")
    stub.script(text="".join(graded(key, f"=cmd{HOSTILE}") for key in KEYS))
    made = install(owner=owner, admin=admin, base_url=stub.base_url, api_key=API_KEY, judged=True, text=HOSTILE)
    DocumentVersion.objects.update(
        image="javascript:alert(1)",
        fields={f"key{HOSTILE}": HOSTILE, "deep": {"a": [HOSTILE]}, "long": "x" * 1_000_000},
    )
    query = made.run.run_queries.all()[0]
    RunQuery.objects.filter(pk=query.pk).update(label=f"=q{HOSTILE}"[:200])
    given = GivenGrade(query.pk, KEYS[0], 1, reasoning=f"-cmd{HOSTILE}")
    record_judgments(actor=owner, grades=[given])
    return made


@pytest.fixture(scope="session")
def one_query(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One query of the electronics collection, with the documents that are ranked or judged for it."""
    folder = tmp_path_factory.mktemp("electronics")
    known = set()
    for name in ("bm25-title.run", "bm25-all-fields.run", "queries.tsv", "judgments.csv"):
        lines = (electronics.DATA / name).read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.startswith(("query_id", "q010"))]
        (folder / name).write_text("".join(kept), encoding="utf-8")
        known |= {word for line in kept for word in re.split(r"[\s,]", line)}
    with (electronics.DATA / "documents.jsonl").open(encoding="utf-8") as documents:
        kept = [line for line in documents if json.loads(line)["doc_id"] in known]
    (folder / "documents.jsonl").write_text("".join(kept), encoding="utf-8")
    shutil.copy(electronics.DATA / "SOURCE.md", folder)
    return folder


@pytest.fixture
def small_sample(one_query: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One query in place of the electronics collection, which the sweeps over all pages load again and again."""
    monkeypatch.setattr(electronics, "DATA", one_query)


@pytest.fixture
def standing(db: None, small_sample: None) -> Installation:
    """An installation with nothing judged yet, which is cheaper."""
    owner, admin = make_user(Role.MEMBER, email="owner@example.com"), make_user(Role.ADMIN, email="admin@example.com")
    return install(owner=owner, admin=admin)
