"""The HTML interface: short function views by subject, server-rendered templates, htmx for the parts that move.

To add a page:

- a view in its subject's folder, wrapped in `signed_in`, `member_required` or `admin_required` of `base`: it then sends
  visitors without an account to the sign-in page, turns domain errors into a page or a toast, and adds messages to
  fragments;
- a route in the folder's `urls.py`; navigation (`shell.NAVIGATION`) and links written `{% url name id as link %}` show once it exists;
- templates/judging/<subject>/<page>.html on top of base.html, its moving parts beside it as _name.html, rendered through
  `page_or_fragment`; small things (`icon`, `status_badge`, `grade_badge`, `field`, numbers, times) come with `{% load ui %}`;
- writes through acts, with `errors_on(form)` around them; `toast` for what happened; `watch_runs` where a run starts;
- `data-confirm` on a form that can't be undone, `data-once` on a plain form that must not be sent twice;
- a line in scripts/screenshots.py, and who may see it in tests/security/test_access.py, unless every member may.
"""
