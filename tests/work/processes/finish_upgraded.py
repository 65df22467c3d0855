"""Migrate a database to each target of stdin; then do every task that was queued before, and print what came of it.

python -m tests.work.processes.finish_upgraded http://127.0.0.1:1234/v1
"""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releval.settings")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402
from django.utils.module_loading import import_string  # noqa: E402
from django_q.models import OrmQ  # noqa: E402

from judging.management.rescuing import rescue_all  # noqa: E402
from judging.models import AIProvider, BatchExecution, JudgingRun, Lane, ProviderShare  # noqa: E402


def do_waiting_tasks() -> int:
    tasks = list(OrmQ.objects.filter(lock__lte=timezone.now()).order_by("pk"))
    for task in tasks:
        OrmQ.objects.filter(pk=task.pk).delete()
        import_string(task.task["func"])(*task.task["args"])
    return len(tasks)


def main() -> None:
    for line in sys.stdin:
        call_command("migrate", *line.split(), verbosity=0)
        print("migrated", line, end="", flush=True)
    AIProvider.objects.update(base_url=sys.argv[1])
    do_waiting_tasks()
    rescue_all()  # what died with the workers of the version before
    while do_waiting_tasks():
        pass
    rescue_all()
    for run in JudgingRun.objects.filter(status="failed"):
        run.delete()
    jobs = [*JudgingRun.objects.all(), *BatchExecution.objects.all()]
    print(
        json.dumps(
            {
                "runs": sorted((run.status, run.judged_count, run.skipped_count) for run in JudgingRun.objects.all()),
                "pending": sum(run.pending_count for run in JudgingRun.objects.all()),
                "batches": [(batch.status, batch.completed_count) for batch in BatchExecution.objects.all()],
                "lanes without a job": Lane.objects.exclude(job_id__in=[job.pk for job in jobs]).count(),
                "open lanes": Lane.objects.filter(is_done=False).count(),
                "shares": ProviderShare.objects.count(),
            }
        )
    )


main()
