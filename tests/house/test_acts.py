"""Every act of every subject asks its own actor for a role, before all else: an act that forgets to fails here.

Acts are found, not listed: a public function of a subject that takes an `actor`. A function that writes and takes none
is found, too, and has to say below whose act it is part of.
"""

import ast
import importlib
import inspect
from collections.abc import Callable, Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from judging.foundation.errors import Forbidden
from judging.models import User
from judging.records.roles import SYSTEM
from tests.house import rules as house

ROOMS = (
    "people",
    "corpora",
    "runs",
    "judges",
    "judging_runs",
    "review",
    "responses",
    "trust",
    "probes",
    "search",
    "golden",
    "exports",
    "operations",
    "demo",
)
# What the engine calls while it works: jobs have no actor any more once they are queued.
ENGINE = {
    "check_kind",
    "conclusions",
    "finishing_current",
    "kind",
    "search_kind",
    "item_endings",
    "immediate",
    "interrupted",
    "stale_metrics",
}

# What raters do, beside seeing: they grade, and have an account and tokens like everybody.
OF_RATERS = {
    "abstain",
    "change_password",
    "confirm_ai_grades",
    "create_token",
    "grade_candidates",
    "hold",
    "next_candidate",
    "next_items",
    "postpone_item",
    "record_judgments",
    "release_holds",
    "revoke_token",
    "skip_item",
}
OF_ADMINS = {
    "create_user",
    "deactivate_member",
    "ensure_presets",
    "invite_member",
    "prune_batch_inputs",
    "prune_raw_replies",
    "revoke_invitation",
    "set_default_model",
    "update_member",
}
# They read, for an actor: what they find is what the actor may see.
READS = {"earlier_batch", "leased_candidates", "plan_again", "plan_judge"}
# Writers without an actor of their own, and why.
WITHOUT_ACTOR = {
    "accept_invitation": "the secret of its link lets anybody in who has it",
    "authenticate_token": "notes that a token was used",
    "try_provider": "keeps which models a provider listed when it was tested",
    "renew_stale": "renews metrics, as part of grading",
    "renew_report": "stores figures that were computed, for whoever looks next",
    "run_answer": "asks for figures to be computed",
    "run_report": "asks for figures to be computed",
    "pin": "pins a run's inputs, as part of its start",
    "write_searches": "writes a run's queries and their searches, as part of its start",
    "keep_exchanges": "keeps what was asked and answered, as part of a slice",
    "finish_searching": "stores what an ended run's searches came to, as part of their end",
    "store_results": "stores what ended probes came to, as part of their end",
}
WRITES = {
    "save",
    "create",
    "bulk_create",
    "update",
    "bulk_update",
    "update_or_create",
    "get_or_create",
    "delete",
    "_raw_delete",
    "execute",
    "executemany",
    "insert_rows",
    "insert_returning_keys",
}


def modules() -> Iterator[tuple[str, Path]]:
    root = Path(settings.BASE_DIR)
    for room in ROOMS:
        for path in sorted((root / "judging" / room).rglob("*.py")):
            if path.stem not in ENGINE:
                yield ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"), path


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    for module_name, _ in modules():
        module = importlib.import_module(module_name)
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module_name and not name.startswith("_"):
                yield name, function


@cache
def acts() -> dict[str, Callable[..., Any]]:
    return {
        name: function
        for name, function in functions()
        if "actor" in inspect.signature(function).parameters and name not in READS
    }


def call(act: Callable[..., Any], actor: object) -> None:
    """Call an act with things that are nothing: whatever it does before it asks for the role would break."""
    others = [
        name
        for name, parameter in inspect.signature(act).parameters.items()
        if name != "actor" and parameter.default is parameter.empty
    ]
    act(actor=actor, **{name: object() for name in others})


def test_the_names_of_this_file_are_those_of_acts() -> None:
    assert acts().keys() >= OF_RATERS | OF_ADMINS
    assert not OF_RATERS & OF_ADMINS
    assert len(acts()) > 40


def others_than_refused(
    names: Collection[str], actor: object, words: str = "", *, error: type[Exception] = Forbidden
) -> dict[str, object]:
    """Return the acts that don't refuse this actor in these words, and what they do instead."""
    found: dict[str, object] = {}
    for name in sorted(names):
        try:
            call(acts()[name], actor)
            found[name] = "goes through"
        except Exception as exception:
            if not isinstance(exception, error) or words not in str(exception):
                found[name] = exception
    return found


def test_a_rater_is_refused(rater: User) -> None:
    assert others_than_refused(acts().keys() - OF_RATERS, rater) == {}


def test_a_member_is_refused_what_admins_do(member: User) -> None:
    assert others_than_refused(OF_ADMINS, member) == {}


def test_nobody_is_no_actor() -> None:
    assert others_than_refused(acts(), None, "an act needs an actor", error=TypeError) == {}


def test_a_closed_account_is_refused(admin: User) -> None:
    admin.is_active = False
    assert others_than_refused(acts(), admin, "this account is closed") == {}


def test_a_grade_has_a_person_as_its_author() -> None:
    grading = OF_RATERS - {"change_password", "create_token", "revoke_token"}
    assert others_than_refused(grading, SYSTEM, "only people grade") == {}


def test_an_act_that_refuses_nobody_is_found(member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(acts(), "prune_everything", lambda *, actor: None)
    assert others_than_refused(["prune_everything"], member) == {"prune_everything": "goes through"}


@pytest.mark.parametrize("name", ["change_password", "create_token"])
def test_an_account_is_its_owner_s(admin: User, rater: User, name: str) -> None:
    with pytest.raises(Forbidden, match="somebody else's"):
        acts()[name](actor=admin, user=rater, **({"password": "x"} if name == "change_password" else {"name": "x"}))


def test_whatever_writes_has_an_actor() -> None:
    silent = {name for _, path in modules() for name in writers_without_actor(path)}
    assert silent == WITHOUT_ACTOR.keys()


def test_a_writer_without_an_actor_is_found(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text(
        "def rename_corpus(*, corpus, name):\n    _store(corpus)\n\n"
        "def _store(corpus):\n    corpus.save(update_fields=['name'])\n\n"
        "def names(values):\n    values.update(name=1)\n\n"
        "def delete_corpus(*, actor, corpus):\n    corpus.delete()\n"
    )
    assert list(writers_without_actor(planted)) == ["rename_corpus"]


def writers_without_actor(path: Path) -> Iterator[str]:
    functions = {
        node.name: node for node in house.parsed(path).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    writing = {name for name, node in functions.items() if any(map(_writes, ast.walk(node)))}
    # And functions of the same module that call one that does.
    while more := {
        name
        for name, node in functions.items()
        if name not in writing
        and any(
            isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id in writing
            for each in ast.walk(node)
        )
    }:
        writing |= more
    for name in sorted(writing):
        arguments = functions[name].args
        named = {argument.arg for argument in [*arguments.args, *arguments.kwonlyargs]}
        if not name.startswith("_") and "actor" not in named:
            yield name


def _writes(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
        return False
    # To spell out a plain name, as most are, takes most of the time.
    called = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
    if called.startswith(("ledger.", "lifecycle.")):
        return True
    owner, _, method = called.rpartition(".")
    # Not the update() of a dict or a hash: rows are reached through a manager or stand in a variable of their own.
    return method in WRITES and (method not in ("update", "execute") or "objects" in owner)
