"""The project with a third kind of work, which lives in an application of its own."""

from releval.settings import *  # noqa: F403
from releval.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.work.toy"]
