"""What the Evaluate page offers to whom: people's assignments limit it, and nothing else."""

from django.db.models import Exists, OuterRef, Q

from judging.models import Assignment, User


def offered_to(user: User) -> Q:
    """Return the condition on candidates that `user` is offered, in whatever run.

    Who has an assignment in the run is offered its queries alone, everybody else those that nobody has. So where nothing
    is assigned, everybody is offered everything.
    """
    of_query = Assignment.objects.filter(run_query=OuterRef("run_query_id"))
    own_in_run = Assignment.objects.filter(run=OuterRef("run_id"), user=user)
    return Q(Exists(of_query.filter(user=user))) | (~Q(Exists(own_in_run)) & ~Q(Exists(of_query)))
