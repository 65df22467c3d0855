"""The modules of scripts as production serves them, by names that change with what is in them."""

import re
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.test import override_settings

ROOT = Path(settings.BASE_DIR)
PRODUCTION = {"staticfiles": {"BACKEND": "releval.static_files.ManifestStorage"}}


def imports(module: Path) -> list[str]:
    return re.findall(r"""\b(?:from|import)\s*["']([^"']+)["']""", module.read_text(encoding="utf-8"))


def test_production_pages_import_modules_by_content_hash(tmp_path: Path) -> None:
    # What other packages bring takes seconds to compress, and tests/work/processes/test_serve.py collects it.
    own = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    with override_settings(STORAGES=PRODUCTION, STATIC_ROOT=tmp_path, STATICFILES_FINDERS=own):
        call_command("collectstatic", interactive=False, verbosity=0)
        stored = staticfiles_storage.stored_name  # type: ignore[attr-defined]
        pages = [tmp_path / stored(f"js/grid/{name}.js") for name in ("page", "side-by-side")]
    waiting, seen = [*pages], {*pages}
    while waiting:
        module = waiting.pop()
        assert re.fullmatch(r"[a-z_-]+\.[0-9a-f]{12}\.js", module.name)
        found = {(module.parent / name).resolve() for name in imports(module)}
        waiting += found - seen
        seen |= found
    # Each once: a second name would be a second module, with a selection and a queue of its own.
    names = sorted(module.name.split(".")[0] for module in seen)
    assert names == sorted(path.stem for path in (ROOT / "static" / "js" / "grid").iterdir())
