#!/usr/bin/env python
"""Run Releval's administrative commands."""

import os
import sys

from releval.loading import loading

# They serve what knows no app; loading all of them costs each half a second and 30 MB.
WITHOUT_APPS = ("local_judge", "demo_search")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releval.settings")
    with loading():
        import django
        from django.conf import settings
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line, load_command_class
        from django.utils.log import configure_logging

    try:
        if sys.argv[1:2] and sys.argv[1] in WITHOUT_APPS:
            with loading():
                configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
                command = load_command_class("judging", sys.argv[1])
            command.run_from_argv(sys.argv)
            return
        with loading():
            django.setup()
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # A variable of the environment is wrong: its name and what it takes say more than a traceback.
        sys.exit(f"Releval can't start: {error}")


if __name__ == "__main__":
    main()
