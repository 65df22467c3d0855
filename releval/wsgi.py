"""The WSGI application that gunicorn serves, loaded whole before the first request."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import reverse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releval.settings")

application = get_wsgi_application()
# Else the first request of each process waits for a second until all views and serializers are imported.
reverse("healthz")
# Processes forked from this one share what is frozen, and their garbage collection looks at new objects only.
gc.collect()
gc.freeze()
