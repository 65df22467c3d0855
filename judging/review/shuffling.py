"""The order in which a person grades blind: shuffled within each query, for everyone otherwise, always the same."""

from hashlib import sha256

from django.db.models import BigIntegerField, Expression, ExpressionWrapper, F, Value
from django.db.models.expressions import Combinable

from judging.models import EvaluationRun, User

# Below 2**31, so that no product leaves 64 bits; a prime, so that different candidates rarely meet.
_PRIME = 2**31 - 1


def shuffled_place(run: EvaluationRun, person: User) -> Expression:
    """Return an expression that orders the candidates of a query for a person; equal values are rare, but possible."""
    digest = sha256(person.pk.bytes + run.pk.bytes).digest()
    factor, shift = (int.from_bytes(digest[at : at + 4], "big") % _PRIME or 1 for at in (0, 4))
    mixed = (F("pk") % _number(_PRIME) * _number(factor) + _number(shift)) % _number(_PRIME)
    # So far neighbours are even steps apart. Squared once, they come in the order of their ranks for one person of 1,800
    # (twelve candidates), squared twice no more often than by chance.
    for _ in range(2):
        mixed = mixed * mixed % _number(_PRIME)
    return ExpressionWrapper(mixed, output_field=BigIntegerField())


def _number(value: int) -> Combinable:
    return Value(value, output_field=BigIntegerField())
