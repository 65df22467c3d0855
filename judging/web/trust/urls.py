"""Whether grades can be believed: certificates, comparisons of runs, and how the figures are made."""

from django.urls import path

from judging.web.trust import certificates, comparison, how

urlpatterns = [
    path("trust/how", how.how, name="trust_how"),
    path("check-samples/<uuid:sample_id>/certify", certificates.certify, name="certify"),
    path("certificates/<uuid:certificate_id>", certificates.certificate, name="certificate"),
    path("certificates/<uuid:certificate_id>/export", certificates.certificate_export, name="certificate_export"),
    path("evaluations/<uuid:evaluation_id>/compare", comparison.compare_chosen, name="compare_chosen"),
    path("evaluations/runs/<uuid:run_id>/compare/<uuid:other_run_id>", comparison.compare, name="compare"),
]
