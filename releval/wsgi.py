"""The WSGI application that gunicorn serves, loaded whole before the first request."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import reverse

from releval.loading import loading

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releval.settings")

with loading():
    application = get_wsgi_application()
    # Else the first request of each process waits for a second until all views and serializers are imported.
    reverse("healthz")
