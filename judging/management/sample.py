"""The demo's data: the electronics collection, the local judge, what searches need, and an account to sign in with."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import CommandError

from judging.demo.electronics import ensure_local_judge, load_electronics
from judging.demo.searching import ensure_live_evaluation
from judging.models import AIJudge, Evaluation, EvaluationRun, Goal, Role, User
from judging.people.accounts import change_password, create_user
from judging.people.tokens import authenticate_token, create_token
from judging.records.roles import SYSTEM
from judging.responses.default_model import default_model, set_default_model
from judging.trust.samples.acts import create_check_sample

CREDENTIALS_FILE = "demo.json"
EMAIL = "demo@example.com"

Say = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """What the demo works with. The password and the token are those of the demo's user."""

    user: User
    password: str
    token: str
    title_run: EvaluationRun
    fields_run: EvaluationRun
    judge: AIJudge
    live_evaluation: Evaluation


def load_sample(say: Say) -> Sample:
    """Make what is missing of the sample, all through the services; what is there already stays as it is."""
    user, password, token = _account()
    electronics = load_electronics(actor=user, say=say)
    judge = ensure_local_judge(actor=user)
    if judge.ai_provider.shared and default_model() is None:
        # Evaluators that name no model use it, so that batches work too.
        set_default_model(actor=user, ai_provider_id=judge.ai_provider_id, model=judge.model)
    for run in (electronics.title_run, electronics.fields_run):
        if not run.check_samples.exists():
            create_check_sample(run=run, goal=Goal.CERTIFY, metric="P@10", actor=user)
    live_evaluation = ensure_live_evaluation(actor=user, corpus=electronics.evaluation.corpus)
    return Sample(user, password, token, electronics.title_run, electronics.fields_run, judge, live_evaluation)


def _account() -> tuple[User, str, str]:
    """Return the demo's user, its password and a token: the earlier ones as long as they still work."""
    path = Path(settings.DATA_DIR) / CREDENTIALS_FILE
    stored = _stored(path)
    password, token = stored.get("password") or secrets.token_urlsafe(12), stored.get("token", "")
    user = User.objects.filter(email=EMAIL).first()
    if user is None:
        user = create_user(actor=SYSTEM, email=EMAIL, password=password, role=Role.ADMIN, name="Demo")
    elif not user.is_active or not user.is_admin:
        raise CommandError(f"{EMAIL} is no active admin any more; the demo works with that account")
    elif not user.check_password(password):
        change_password(actor=SYSTEM, user=user, password=password)
    known = authenticate_token(token) if token else None
    if known is None or known.user_id != user.pk:
        _, token = create_token(actor=SYSTEM, user=user, name="make demo")
    if stored != {"email": EMAIL, "password": password, "token": token}:
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(json.dumps({"email": EMAIL, "password": password, "token": token}) + "\n", encoding="utf-8")
    return user, password, token


def _stored(path: Path) -> dict[str, str]:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}
