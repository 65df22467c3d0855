"""Archive evaluations and runs on their pages, and take them back."""

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from judging.runs import archiving
from judging.runs.evaluation_lists import get_evaluation
from judging.runs.run_lists import get_evaluation_run
from judging.web.base import PageRequest, member_required, tell_and_go


@require_POST
@member_required
def archive_run(request: PageRequest, run_id: UUID) -> HttpResponse:
    run = archiving.archive_run(actor=request.user, run=get_evaluation_run(run_id))
    return tell_and_go(
        request,
        f"{run.name} is archived. Its evaluation still lists it, under “archived ones”.",
        "evaluation_run",
        run.pk,
    )


@require_POST
@member_required
def restore_run(request: PageRequest, run_id: UUID) -> HttpResponse:
    run = archiving.restore_run(actor=request.user, run=get_evaluation_run(run_id))
    return tell_and_go(request, f"{run.name} is back in the lists.", "evaluation_run", run.pk)


@require_POST
@member_required
def archive_evaluation(request: PageRequest, evaluation_id: UUID) -> HttpResponse:
    evaluation = archiving.archive_evaluation(actor=request.user, evaluation=get_evaluation(evaluation_id))
    return tell_and_go(request, f"{evaluation.name} is archived with its runs.", "evaluation", evaluation.pk)


@require_POST
@member_required
def restore_evaluation(request: PageRequest, evaluation_id: UUID) -> HttpResponse:
    evaluation = archiving.restore_evaluation(actor=request.user, evaluation=get_evaluation(evaluation_id))
    return tell_and_go(request, f"{evaluation.name} is back in the lists.", "evaluation", evaluation.pk)
