"""Corpora."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.api.corpora.serializers import CorpusSerializer
from judging.corpora import corpora
from judging.foundation.errors import NotFound
from judging.models import Corpus


class CorpusList(ApiView):
    @describe("List the corpora", answer=CorpusSerializer, many=True)
    def get(self, request: Request) -> Response:
        return self.page(Corpus.objects.all(), CorpusSerializer, order=("name", "id"))

    @describe("Make a corpus", body=CorpusSerializer, answer=CorpusSerializer, status=201)
    def post(self, request: Request) -> Response:
        corpus = corpora.create_corpus(actor=self.user, **self.body(CorpusSerializer))
        return Response(CorpusSerializer(corpus).data, status=201)


class CorpusDetail(ApiView):
    @describe("Show a corpus", answer=CorpusSerializer)
    def get(self, request: Request, corpus_id: UUID) -> Response:
        return Response(CorpusSerializer(_corpus(corpus_id)).data)

    @describe("Change a corpus", body=CorpusSerializer, answer=CorpusSerializer)
    def patch(self, request: Request, corpus_id: UUID) -> Response:
        corpus = _corpus(corpus_id)
        changed = corpora.update_corpus(actor=self.user, corpus=corpus, **self.body(CorpusSerializer, partial=True))
        return Response(CorpusSerializer(changed).data)

    @describe("Delete a corpus with its documents and judgments", status=204, conflict="corpus_in_use")
    def delete(self, request: Request, corpus_id: UUID) -> Response:
        corpora.delete_corpus(actor=self.user, corpus=_corpus(corpus_id))
        return Response(status=204)


def _corpus(corpus_id: UUID) -> Corpus:
    corpus = Corpus.objects.filter(pk=corpus_id).first()
    if corpus is None:
        raise NotFound("no such corpus")
    return corpus
