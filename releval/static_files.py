"""How static files are served in production: under names that change with their content."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ManifestStorage(CompressedManifestStaticFilesStorage):
    """Rename what our modules import along with the files, so that a page never mixes modules of two releases.

    Django's support_js_module_import_aggregation would do it to every script there is, and fails on what merely looks
    like an import in the bundles of other packages.
    """

    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        (
            "js/*.js",
            (
                (
                    r"""(?P<matched>\b(?P<keyword>from|import) "(?P<url>\./[^"]+)";)""",
                    """%(keyword)s "%(url)s";""",
                ),
            ),
        ),
    )
