"""Look for missing migrations, and for what Django finds wrong with the settings in the environment once deployed.

.venv/bin/python scripts/check_django.py, in one process: most of the time goes to loading the project.
"""

import os
import sys
from pathlib import Path

import django
from django.core.management import call_command

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "releval.settings"
django.setup()
call_command("check", deploy=True, fail_level="WARNING")
call_command("makemigrations", check_changes=True, dry_run=True)
