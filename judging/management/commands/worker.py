"""Run the task workers."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from judging.management import serving
from judging.management.command import BaseCommand
from judging.providers import openai_client
from judging.work import workers


class Command(BaseCommand):
    help = (
        "Run the task workers (RELEVAL_WORKERS processes, 2 by default) without a supervisor; SIGTERM and Ctrl-C end "
        "them, and what they were judging goes on elsewhere. 'serve --worker-only' starts them again when they die, too."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if os.getpgrp() != os.getpid():
            # One signal must reach all processes of the workers and nobody else.
            raise CommandError("The workers need a process group of their own: use manage.py serve --worker-only")
        serving.keep_files_private()
        # With DEBUG, Django keeps every statement and its values: a fifth of a slice's CPU, and memory that grows with it.
        settings.DEBUG = False
        # Before the processes part, so that they share it, and no first call waits for it.
        openai_client.load()
        workers.run_workers()
