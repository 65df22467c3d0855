"""`manage.py prune`: retention of what models said and what they were sent."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from judging.management.arguments import errors_on_one_line
from judging.management.command import BaseCommand
from judging.operations.retention import prune_batch_inputs, prune_raw_replies, prune_search_evidence
from judging.records.roles import SYSTEM


class Command(BaseCommand):
    help = (
        "Empty old raw replies of models, and old inputs of batches, in small steps while everything runs. Grades,"
        " reasoning, scores, tokens and errors stay. The database reuses the space; its file does not shrink."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--raw-replies-older-than", type=int, metavar="DAYS", help="what models answered, as it came"
        )
        parser.add_argument(
            "--batch-inputs-older-than",
            type=int,
            metavar="DAYS",
            help="what ended batches were given; they can't be retried then",
        )
        parser.add_argument(
            "--search-evidence-older-than",
            type=int,
            metavar="DAYS",
            help="what search engines answered; the worker does it after RELEVAL_EVIDENCE_DAYS",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say how many there are")

    def handle(self, *args: Any, **options: Any) -> None:
        replies, inputs = options["raw_replies_older_than"], options["batch_inputs_older_than"]
        evidence = options["search_evidence_older_than"]
        if replies is None and inputs is None and evidence is None:
            raise CommandError(
                "Name what to prune: --raw-replies-older-than DAYS, --batch-inputs-older-than DAYS,"
                " --search-evidence-older-than DAYS"
            )
        done = "would be emptied" if options["dry_run"] else "emptied"
        with errors_on_one_line():
            if replies is not None:
                count = prune_raw_replies(actor=SYSTEM, older_than_days=replies, dry_run=options["dry_run"])
                self.stdout.write(f"{count} raw replies {done}")
            if inputs is not None:
                count = prune_batch_inputs(actor=SYSTEM, older_than_days=inputs, dry_run=options["dry_run"])
                self.stdout.write(f"{count} batch inputs {done}")
            if evidence is not None:
                count = prune_search_evidence(actor=SYSTEM, older_than_days=evidence, dry_run=options["dry_run"])
                self.stdout.write(
                    f"{count} exchanges with search engines {'would be ' if options['dry_run'] else ''}deleted"
                )
