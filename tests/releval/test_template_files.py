"""Templates as the project reads them."""

from pathlib import Path

from django.conf import settings
from django.template import Engine

from judging.models import User
from tests.review.test_grid_page import client_of


def test_pages_carry_no_indentation(member: User) -> None:
    page = client_of(member).get("/").content.decode()
    assert [line for line in page.splitlines() if line.startswith((" ", "\t"))] == []


def test_a_template_keeps_the_line_numbers_of_its_file() -> None:
    source = Engine.get_default().get_template("base.html").source
    assert source.count("\n") == Path(settings.BASE_DIR, "templates", "base.html").read_text().count("\n")
