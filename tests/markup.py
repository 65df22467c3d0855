"""HTML as tests compare it: how the formatter lays out a template does not matter to them."""

import re


def one_line(html: str) -> str:
    """Put HTML on one line: single spaces, and none where a tag begins or ends what it holds, nor before its `>`."""
    html = re.sub(r"\s+", " ", html)
    html = re.sub(r"(<[a-z][^<>]*?) >", r"\1>", html)
    html = re.sub(r"(<[a-z][^<>]*>) ", r"\1", html)
    return html.replace(" </", "</")
