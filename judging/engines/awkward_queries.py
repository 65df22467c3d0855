"""Queries that break templates pasted together by hand: a query set to try an endpoint with.

The last two have 2,000 characters and more than 20 kB.
"""

AWKWARD_QUERIES: tuple[str, ...] = (
    'the 27" monitor',
    "levi's jeans",
    '"exact phrase" and more',
    "C:\\temp\\new",
    "trailing backslash \\",
    '\\"',
    "{{query}}",
    "{{#each this}}{{/each}}",
    '{"match_all": {}}',
    '"}], "size": 0, "x": [{"',
    "a & b = c + d ? e # f % g",
    "100%25 cotton%00",
    "<script>alert(1)</script> &amp;",
    "' OR 1=1 --",
    "title:shoes AND (red OR blue) -green +size:[40 TO 42]",
    "*:* fo?ba* rooibos~2 tea^4 /reg.*ex/",
    "http://example.com/a?b=c&d=e",
    "${jndi:ldap://127.0.0.1/a}",
    "crème brûlée naïve Ångström",
    "cafe\u0301 combining accents",
    "日本語の検索 靴",
    "مرحبا بالعالم حذاء أحمر",
    "\u202eright to left override",
    "👟 running 👩‍👩‍👧‍👦 🇩🇪",
    "tab\there, line\nbreak, return\r\nand \u2028 separator",
    "a NUL \0 inside",
    "zero\u200bwidth \ufeff mark",
    "null",
    "0",
    "wireless headphones " * 100,
    "emoji 👟 and ümlaut " * 1_000,
)
