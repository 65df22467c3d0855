"""Search endpoints: make, change, archive, restore, delete."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from judging.engines.presets import PRESETS
from judging.foundation.errors import Conflict, Invalid, NotFound
from judging.foundation.validation import raise_if_any
from judging.models import Corpus, SearchEndpoint, SearchRun
from judging.records.audit import record_event
from judging.records.lists.archiving import set_archived
from judging.records.roles import Actor, require_member, user_of
from judging.search.endpoints.drafts import apply_changes, check_endpoint

_USED = "archive it instead: it leaves the lists and stays for what was made with it"


def create_endpoint(
    *, actor: Actor, fields: Mapping[str, Any], authentication: Mapping[str, Any] | None = None
) -> SearchEndpoint:
    """Make an endpoint of `fields` (ENDPOINT_FIELDS); mapping, paging and method left out are those of its type.

    Raise Forbidden or Invalid.
    """
    require_member(actor)
    endpoint = SearchEndpoint(created_by=user_of(actor))
    apply_changes(endpoint, with_presets(fields), authentication)
    with transaction.atomic():
        _hold_corpus(endpoint)
        check_endpoint(endpoint)
        _write(endpoint, force_insert=True)
        record_event(actor=actor, action="endpoint_created", subject=endpoint, detail={"type": endpoint.type})
    return endpoint


def update_endpoint(
    *,
    actor: Actor,
    endpoint: SearchEndpoint,
    fields: Mapping[str, Any],
    authentication: Mapping[str, Any] | None = None,
) -> SearchEndpoint:
    """Change the given `fields` (ENDPOINT_FIELDS) of an endpoint; `authentication` None keeps what is stored.

    Runs that have started keep what they pinned, but for credentials, TLS settings and limits. Raise Forbidden,
    Invalid, NotFound or Conflict (in_use: another corpus while evaluations use it).
    """
    require_member(actor)
    with transaction.atomic():
        stored = _hold(endpoint)
        corpus_id = stored.corpus_id
        apply_changes(stored, fields, authentication)
        if stored.corpus_id != corpus_id:
            if stored.evaluations.exists():
                raise Conflict("evaluations use this endpoint: its corpus stays", code="in_use")
            _hold_corpus(stored)
        check_endpoint(stored)
        stored.updated_at = timezone.now()
        secrets = () if authentication is None else ("authentication_type", "encrypted_authentication")
        _write(stored, update_fields=[*fields, *secrets, "updated_at"])
        changed = sorted({*fields, *(() if authentication is None else ("authentication",))})
        record_event(actor=actor, action="endpoint_changed", subject=stored, detail={"fields": changed})
    return stored


def archive_endpoint(*, actor: Actor, endpoint: SearchEndpoint) -> SearchEndpoint:
    """Take an endpoint out of the lists; what uses it goes on. Raise Forbidden or NotFound."""
    return set_archived(endpoint, actor=actor, is_archived=True)


def restore_endpoint(*, actor: Actor, endpoint: SearchEndpoint) -> SearchEndpoint:
    """Put an archived endpoint back into the lists. Raise Forbidden or NotFound."""
    return set_archived(endpoint, actor=actor, is_archived=False)


def delete_endpoint(*, actor: Actor, endpoint: SearchEndpoint) -> None:
    """Delete an endpoint. Raise Forbidden, NotFound, or Conflict (in_use).

    It is in use while an evaluation names it, or a run made from it is queued or running.
    """
    require_member(actor)
    with transaction.atomic():
        # Held: an evaluation that is being made with it comes before or not at all.
        stored = _hold(endpoint, for_deletion=True)
        count = stored.evaluations.count()
        if count:
            noun = "evaluation uses" if count == 1 else "evaluations use"
            raise Conflict(f"{count} {noun} this endpoint; {_USED}", code="in_use")
        if stored.search_runs.filter(status__in=SearchRun.active_statuses).exists():
            raise Conflict(f"a run is asking this endpoint at present; stop it first, or {_USED}", code="in_use")
        record_event(actor=actor, action="endpoint_deleted", subject=stored)
        stored.delete()


def with_presets(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return `fields` with mapping, paging and method of their type where they are left out."""
    preset = PRESETS.get(fields.get("type", ""))
    if preset is None:
        return dict(fields)
    return {
        "candidates_mapping": preset.candidates_mapping,
        "paging": dict(preset.paging),
        "method": preset.method,
        **fields,
    }


def _hold(endpoint: SearchEndpoint, *, for_deletion: bool = False) -> SearchEndpoint:
    """Return the endpoint as it is stored, held to the end of the transaction."""
    stored = SearchEndpoint.objects.select_for_update(no_key=not for_deletion).filter(pk=endpoint.pk).first()
    if stored is None:
        raise NotFound("no such search endpoint")
    return stored


def _hold_corpus(endpoint: SearchEndpoint) -> None:
    # Held until the commit: a corpus is deleted only while no endpoint belongs to it.
    corpus = Corpus.objects.select_for_update(no_key=True).filter(pk=endpoint.corpus_id).first()
    if corpus is None:
        message = "There is no such corpus."
        raise Invalid(message, errors={"corpus_id": [message]})
    endpoint.corpus = corpus


def _write(endpoint: SearchEndpoint, **how: Any) -> None:
    try:
        with transaction.atomic():
            endpoint.save(**how)
    except IntegrityError:
        # Of its constraints only the name is not checked before.
        if not SearchEndpoint.objects.filter(name=endpoint.name).exclude(pk=endpoint.pk).exists():
            raise
        raise_if_any({"name": ["Another endpoint has this name."]})
