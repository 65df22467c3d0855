#!/usr/bin/env python
"""Run Releval's administrative commands."""

import os
import sys

from releval.loading import loading


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releval.settings")
    with loading():
        import django
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line

    try:
        with loading():
            django.setup()
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # A variable of the environment is wrong: its name and what it takes say more than a traceback.
        sys.exit(f"Releval can't start: {error}")


if __name__ == "__main__":
    main()
