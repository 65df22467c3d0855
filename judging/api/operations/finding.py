"""Find things of all kinds by their names."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from judging.api.base import ApiView, describe
from judging.foundation.errors import Invalid
from judging.foundation.limits import MAX_FOUND, MAX_SEARCH, MAX_SEARCHED
from judging.operations.finding import KINDS, found_things
from judging.rest.permissions import AnyRole


class FoundSerializer(serializers.Serializer[Any]):
    """A thing that was found."""

    kind = serializers.ChoiceField(choices=list(KINDS.items()))
    id = serializers.UUIDField()
    name = serializers.CharField()
    note = serializers.CharField(
        help_text="What tells it from others of its name: its evaluation, corpus, model, tags."
    )
    created_at = serializers.DateTimeField()


class FoundThingsSerializer(serializers.Serializer[Any]):
    """What was found, the best first."""

    results = FoundSerializer(many=True)


class Find(ApiView):
    permission_classes = [AnyRole]

    @describe(
        "Find evaluations, runs, judges, batches and what search engines are asked with",
        answer=FoundThingsSerializer,
        query=[
            OpenApiParameter(
                "q", str, required=True, description=f"Words of names, or an id; {MAX_SEARCH} characters at most."
            )
        ],
        description=(
            "All words stand in the name or the note, in any order; upper and lower case, accents and umlauts make no "
            f"difference. Of each kind the newest {MAX_SEARCHED:,} are looked at; {MAX_FOUND} are answered at most. "
            "Raters find evaluation runs alone."
        ),
    )
    def get(self, request: Request) -> Response:
        text = request.query_params.get("q", "")
        if not text.strip():
            raise Invalid("say what to look for", errors={"q": ["This is required."]})
        return Response(FoundThingsSerializer({"results": found_things(text, self.user)}).data)
