"""Document collections."""

from django.db import transaction

from judging.foundation.errors import Conflict, Invalid
from judging.foundation.validation import clean
from judging.models import (
    Corpus,
    Document,
    DocumentVersion,
    ImportedRater,
    Judgment,
    MatchMode,
    Query,
    SeenAIGrade,
)
from judging.records.audit import record_event
from judging.records.roles import Actor, require_member, user_of


def create_corpus(*, actor: Actor, name: str, description: str = "", match_mode: str = MatchMode.QID) -> Corpus:
    """Make an empty corpus. Raise Forbidden or Invalid."""
    require_member(actor)
    corpus = Corpus(name=name.strip(), description=description, match_mode=match_mode, created_by=user_of(actor))
    clean(corpus)
    corpus.save(force_insert=True)
    return corpus


def update_corpus(
    *,
    actor: Actor,
    corpus: Corpus,
    name: str | None = None,
    description: str | None = None,
    match_mode: str | None = None,
) -> Corpus:
    """Change what may change of a corpus; None leaves as it is. Raise Forbidden or Invalid.

    The match mode can't change: the identities of the corpus's queries are made with it.
    """
    require_member(actor)
    if match_mode is not None and match_mode != corpus.match_mode:
        message = "The match mode of a corpus can't be changed."
        raise Invalid(message, errors={"match_mode": [message]})
    corpus.name = corpus.name if name is None else name.strip()
    corpus.description = corpus.description if description is None else description
    clean(corpus)
    corpus.save(update_fields=["name", "description"])
    return corpus


def delete_corpus(*, actor: Actor, corpus: Corpus) -> None:
    """Delete a corpus with its queries, documents and judgments.

    Raise Forbidden, or Conflict while evaluations are about it or endpoints belong to it.
    """
    require_member(actor)
    with transaction.atomic():
        # Nobody adds an evaluation while this goes on.
        Corpus.objects.select_for_update().filter(pk=corpus.pk).first()
        count = corpus.evaluations.count()
        if count:
            noun = "evaluation is" if count == 1 else "evaluations are"
            raise Conflict(f"{count} {noun} about this corpus; delete them first", code="corpus_in_use")
        if corpus.search_endpoints.exists():
            raise Conflict("search endpoints belong to this corpus; delete them first", code="corpus_in_use")
        record_event(actor=actor, action="corpus_deleted", subject=corpus)
        # Row by row, Django would load all of it. With no run left, nothing outside refers to these.
        Judgment.objects.filter(corpus=corpus)._raw_delete(using="default")
        SeenAIGrade.objects.filter(query__corpus=corpus)._raw_delete(using="default")
        DocumentVersion.objects.filter(document__corpus=corpus)._raw_delete(using="default")
        for model in (Document, Query, ImportedRater):
            model._default_manager.filter(corpus=corpus)._raw_delete(using="default")
        corpus.delete()
