"""The review grid and the Evaluate page of an evaluation run."""

from django.urls import path

from judging.web.review import evaluate, grid, matching, open_runs, own_views, team

_RUN = "evaluations/runs/<uuid:run_id>"

urlpatterns = [
    path("open-runs", open_runs.all_open_runs, name="all_open_runs"),
    path(f"{_RUN}/review", grid.review_grid, name="review_grid"),
    path(f"{_RUN}/review/candidates/<row_id:candidate_pk>", grid.grid_detail, name="grid_detail"),
    path(f"{_RUN}/review/grade", grid.give_grade, name="give_grade"),
    path(f"{_RUN}/review/confirm", grid.confirm_grades, name="confirm_grades"),
    path(f"{_RUN}/review/confirm-matching", matching.confirm_matching, name="confirm_matching"),
    path(f"{_RUN}/review/take-back", matching.take_back_confirmed, name="take_back_confirmed"),
    path(f"{_RUN}/review/restore", grid.restore_grades, name="restore_grades"),
    path(f"{_RUN}/review/export", grid.export_review, name="export_review"),
    path(f"{_RUN}/review/views", own_views.save_grid_view, name="save_grid_view"),
    path(f"{_RUN}/review/views/<uuid:view_id>/delete", own_views.delete_grid_view, name="delete_grid_view"),
    path(f"{_RUN}/evaluate", evaluate.evaluate, name="evaluate"),
    path(f"{_RUN}/people", team.run_people, name="run_people"),
]
