"""The installation that the tests of this folder look at."""

from pathlib import Path

import pytest

from judging.demo import electronics
from judging.models import Role
from tests.factories import make_user
from tests.security.installation import Installation, install
from tests.stub.fixtures import Stub

API_KEY = "sk-Dist1nctive<Key>&7f3e/9a1b+2c4d"


@pytest.fixture
def installation(transactional_db: None, stub: Stub) -> Installation:
    owner, admin = make_user(Role.MEMBER, email="owner@example.com"), make_user(Role.ADMIN, email="admin@example.com")
    return install(owner=owner, admin=admin, base_url=stub.base_url, api_key=API_KEY, judged=True)


@pytest.fixture
def small_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One query of the electronics collection: the sweeps over all pages load it again and again."""
    for name in ("SOURCE.md", "documents.jsonl", "queries.tsv", "bm25-title.run", "bm25-all-fields.run"):
        lines = (electronics.DATA / name).read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.startswith("q010")] if name[-4:] in (".tsv", ".run") else lines
        (tmp_path / name).write_text("".join(kept), encoding="utf-8")
    judgments = (electronics.DATA / "judgments.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in judgments if line.startswith(("query_id", "q010"))]
    (tmp_path / "judgments.csv").write_text("".join(kept), encoding="utf-8")
    monkeypatch.setattr(electronics, "DATA", tmp_path)


@pytest.fixture
def standing(db: None, small_sample: None) -> Installation:
    """The same with nothing judged yet, which is cheaper."""
    owner, admin = make_user(Role.MEMBER, email="owner@example.com"), make_user(Role.ADMIN, email="admin@example.com")
    return install(owner=owner, admin=admin)
