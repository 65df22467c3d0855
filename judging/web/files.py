"""Exports as downloads."""

from collections.abc import Iterator

from django.http import StreamingHttpResponse

from judging.exports import ExportFormat, export_file_name


def download(pieces: Iterator[str], title: str, kind: str, file_format: ExportFormat) -> StreamingHttpResponse:
    """Stream an export as a file."""
    name = export_file_name(title, kind, file_format)
    return StreamingHttpResponse(
        pieces,
        content_type=file_format.content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"},
    )
