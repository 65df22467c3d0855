"""Templates as the project reads them."""

from pathlib import Path

from django.template import Engine
from django.template.base import Origin

from judging.models import User
from releval.template_files import Loader
from tests.review.test_grid_page import client_of


def test_pages_carry_no_indentation(member: User) -> None:
    page = client_of(member).get("/").content.decode()
    assert [line for line in page.splitlines() if line.startswith((" ", "\t"))] == []


def test_lines_that_write_nothing_are_left_out_and_others_stay_apart(tmp_path: Path) -> None:
    file = tmp_path / "a.html"
    file.write_text(
        "<b>\n  {% if x %}\n    {# why #}\n    {% if x %}{{ x }}{% endif %}\n  {% endif %}  \n{% now 'Y' %}\nx</b>\n"
    )
    source = str(Loader(Engine()).get_contents(Origin(str(file))))
    assert source == "<b>\n{% if x %}{# why #}{% if x %}{{ x }}{% endif %}\n{% endif %}{% now 'Y' %}\nx</b>\n"
