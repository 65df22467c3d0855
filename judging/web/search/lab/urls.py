"""The query lab."""

from django.urls import path

from judging.web.search.lab import views

urlpatterns = [path("lab", views.query_lab, name="query_lab")]
