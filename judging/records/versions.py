"""Settings that every change turns into an immutable version: judges, evaluators, query templates.

A thing has its settings as they are, and the number of its newest version; a version pins them as they were. What a
thing has beside its settings, such as who may use it, changes without a new version.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import models
from django.utils import timezone

from judging.foundation.errors import Conflict, NotFound
from judging.models import (
    AIJudge,
    Evaluator,
    EvaluatorVersion,
    JudgeVersion,
    QueryTemplate,
    QueryTemplateVersion,
    ResponseJudge,
    ResponseJudgeVersion,
)
from judging.records.roles import Actor, user_of

ThingT = TypeVar("ThingT", AIJudge, Evaluator, ResponseJudge, QueryTemplate)
VersionT = TypeVar("VersionT", bound=models.Model)


@dataclass(frozen=True, slots=True)
class Change(Generic[VersionT]):
    """The names of the changed settings, and the version made of them, if any."""

    settings: list[str]
    version: VersionT | None = None


@dataclass(frozen=True, slots=True)
class Versioning(Generic[ThingT, VersionT]):
    """How a model's rows are versioned. `thing` is a version's field for its row, `word` what people call it."""

    things: type[ThingT]
    versions: type[VersionT]
    thing: str
    word: str

    def create(self, thing: ThingT, *, actor: Actor) -> VersionT:
        """Store a new thing and its first version, inside the caller's transaction."""
        thing.save(force_insert=True)
        return self._pin(thing, actor)

    def lock(self, thing: ThingT) -> ThingT:
        """Return the thing as it is stored, held to the end of the transaction. Raise NotFound when it is gone."""
        stored: ThingT | None = self.things._default_manager.select_for_update(no_key=True).filter(pk=thing.pk).first()
        if stored is None:
            raise NotFound(f"no such {self.word}")
        return stored

    def change(
        self,
        thing: ThingT,
        *,
        before: Mapping[str, Any],
        actor: Actor,
        others: Collection[str] = (),
        is_different: bool = False,
    ) -> Change[VersionT]:
        """Store a locked thing whose settings were `before`, with its next version if they have changed.

        `others` are fields that are stored, too, but pinned by no version. `is_different` makes a version although
        the settings are the same: something that hangs on the version is another. Raise Conflict (…_changed).
        """
        after = thing.settings_dict()
        changed = [name for name in thing.setting_names() if before[name] != after[name]]
        is_different = is_different or bool(changed)
        if not is_different and not others:
            return Change([])
        number = thing.version
        thing.version, thing.updated_at = number + is_different, timezone.now()
        # The row is locked; on a database without row locks, this condition keeps the numbers unique.
        updated = self.things._default_manager.filter(pk=thing.pk, version=number).update(
            **after,
            **{name: getattr(thing, name) for name in others},
            version=thing.version,
            updated_at=thing.updated_at,
        )
        if not updated:
            code = f"{self.thing}_changed"
            raise Conflict(f"the {self.word} was changed at the same moment; try again", code=code)
        return Change(changed, self._pin(thing, actor) if is_different else None)

    def _pin(self, thing: ThingT, actor: Actor) -> VersionT:
        return self.versions._default_manager.create(
            **{self.thing: thing}, number=thing.version, created_by=user_of(actor), **thing.settings_dict()
        )


JUDGES = Versioning(AIJudge, JudgeVersion, "judge", "AI judge")
EVALUATORS = Versioning(Evaluator, EvaluatorVersion, "evaluator", "evaluator")
QUERY_TEMPLATES = Versioning(QueryTemplate, QueryTemplateVersion, "template", "query template")
RESPONSE_JUDGES = Versioning(ResponseJudge, ResponseJudgeVersion, "judge", "judge")


def changes_by_number(versions: Sequence[Any], of_thing: "models.QuerySet[Any]") -> dict[int, list[str]]:
    """Return which settings each version changed, by its number; `versions` are a page of a thing's, newest first."""
    by_number = {version.number: version for version in versions}
    if versions and versions[-1].number > 1:
        # The page's last one changed something of the first of the next page.
        by_number |= {version.number: version for version in of_thing.filter(number=versions[-1].number - 1)}
    return {version.number: _changed(by_number.get(version.number - 1), version) for version in versions}


def _changed(before: Any, after: Any) -> list[str]:
    if before is None:
        return []
    return [name for name in after.setting_names() if getattr(before, name) != getattr(after, name)]
