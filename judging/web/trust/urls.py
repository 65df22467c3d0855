"""Whether grades can be believed: certificates, and how the figures are made."""

from django.urls import path

from judging.web.trust import certificates, how

urlpatterns = [
    path("trust/how", how.how, name="trust_how"),
    path("check-samples/<uuid:sample_id>/certify", certificates.certify, name="certify"),
    path("certificates/<uuid:certificate_id>", certificates.certificate, name="certificate"),
    path("certificates/<uuid:certificate_id>/file", certificates.certificate_file, name="certificate_file"),
]
