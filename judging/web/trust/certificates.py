"""Certificates: issued from a check sample, shown, printed, saved."""

from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from judging.trust.certificates import certificate_dict, get_certificate, issue_certificate
from judging.trust.samples.states import get_check_sample
from judging.web.base import PageRequest, member_required, tell_and_go


@require_POST
@member_required
def certify(request: PageRequest, sample_id: UUID) -> HttpResponse:
    certificate = issue_certificate(sample=get_check_sample(sample_id), actor=request.user)
    return tell_and_go(request, f"{certificate.metric} is certified.", "certificate", certificate.pk)


@require_GET
@member_required
def certificate(request: PageRequest, certificate_id: UUID) -> HttpResponse:
    """Show a certificate, made to be printed."""
    told = certificate_dict(get_certificate(certificate_id))
    return render(request, "judging/trust/certificate.html", {"certificate": told, "figure": told["estimate"]})


@require_GET
@member_required
def certificate_export(request: PageRequest, certificate_id: UUID) -> HttpResponse:
    """Send a certificate as a JSON file, with the names of the API."""
    told = certificate_dict(get_certificate(certificate_id))
    response = JsonResponse(told, json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = f'attachment; filename="certificate-{certificate_id}.json"'
    return response
