"""Analyses."""

from django.urls import path

from judging.web.search.analyses import views

urlpatterns = [
    path("analyses", views.analysis_list, name="analyses"),
    path("analyses/new", views.analysis_create, name="analysis_create"),
    path("analyses/<uuid:analysis_id>", views.analysis, name="analysis"),
    path("analyses/<uuid:analysis_id>/progress", views.analysis_progress, name="analysis_progress"),
    path("analyses/<uuid:analysis_id>/stop", views.analysis_stop, name="analysis_stop"),
    path("analyses/<uuid:analysis_id>/resume", views.analysis_resume, name="analysis_resume"),
    path("analyses/<uuid:analysis_id>/delete", views.analysis_delete, name="analysis_delete"),
]
