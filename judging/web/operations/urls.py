"""What is about everything: finding by name, usage."""

from django.urls import path

from judging.web.operations import finding, usage

urlpatterns = [
    path("find", finding.find, name="find"),
    path("usage", usage.usage, name="usage"),
]
