"""Executed runs."""

from django.urls import path

from judging.web.search.runs import views

urlpatterns = [
    path("evaluations/<uuid:evaluation_id>/search", views.search_evaluation, name="search_evaluation"),
    path("evaluations/runs/<uuid:run_id>/search", views.search_progress, name="search_progress"),
    path("evaluations/runs/<uuid:run_id>/search/start", views.start_search, name="start_search"),
    path("evaluations/runs/<uuid:run_id>/search/stop", views.stop_search, name="stop_search"),
    path("evaluations/runs/<uuid:run_id>/search/resume", views.resume_search, name="resume_search"),
    path("evaluations/runs/<uuid:run_id>/search/clone", views.clone_search, name="clone_search"),
    path("evaluations/runs/<uuid:run_id>/search/remap", views.remap_search, name="remap_search"),
    path("evaluations/runs/<uuid:run_id>/searches", views.run_searches, name="run_searches"),
    path("evaluations/runs/<uuid:run_id>/searches/<uuid:query_id>", views.run_search, name="run_search"),
]
