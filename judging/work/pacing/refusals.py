"""When refusals of single prompts add up to one of the job: all of the first were refused, and none was answered.

What a service refuses for every prompt alike (a model it does not know, a setting it does not take) comes in its own
words, which no list of ours is complete in. So what happens tells.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import F, Q, Subquery, TextField, Value
from django.db.models.functions import Coalesce, Concat

from judging.models import Job

# So many prompts tell; of a shorter job all, when it has at least a few.
TELLING_PROMPTS = 24
FEWEST_PROMPTS = 3
ERROR_CODE = "all_refused"
# What is stored of them on a job, beside the time of its last success.
REFUSAL_FIELDS = ("refused_prompt_count", "refused_subject", "has_refused_others")

_REFUSED_ALL = "the service refused every prompt"

# Of a job of which nothing is left.
ALL_REFUSED = Q(
    last_success_at__isnull=True,
    refused_prompt_count__gte=FEWEST_PROMPTS,
    prompt_count__isnull=False,
) & Q(refused_prompt_count__gte=F("prompt_count"))


@dataclass(frozen=True, slots=True)
class Refusals:
    """How many prompts of a job were refused, what the first was about, whether others are about something else."""

    count: int = 0
    subject: str = ""
    has_others: bool = False
    is_answered: bool = False

    def with_more(self, subjects: Sequence[str]) -> "Refusals":
        """Return these and one more for each of the subjects."""
        if not subjects:
            return self
        first = self.subject or subjects[0]
        has_others = self.has_others or any(subject != first for subject in subjects)
        return Refusals(self.count + len(subjects), first, has_others, self.is_answered)

    def is_telling(self, *, has_several_subjects: bool) -> bool:
        """Tell whether no prompt will be answered. One subject may be refused for what it is about."""
        is_spread = self.has_others or not has_several_subjects
        return self.count >= TELLING_PROMPTS and is_spread and not self.is_answered


def refusals_of(job: Job) -> Refusals:
    """Return what is stored of a job's refusals."""
    return Refusals(
        job.refused_prompt_count, job.refused_subject, job.has_refused_others, job.last_success_at is not None
    )


def refusal_columns(refusals: Refusals) -> dict[str, object]:
    """Return the columns of a job that keep them."""
    return {
        "refused_prompt_count": refusals.count,
        "refused_subject": refusals.subject,
        "has_refused_others": refusals.has_others,
    }


def message_of(count: int, said: str) -> str:
    """Tell people why a job ended."""
    return f"{_REFUSED_ALL} (the first {count}); most often it said: {said}"


def ending_of_refused(said: Subquery) -> dict[str, object]:
    """Return error and code of a job that ends with all its prompts refused; `said`: the most frequent message."""
    text = TextField()
    # Said of each part: PostgreSQL casts them one by one.
    told = Value(f"{_REFUSED_ALL}; most often it said: ", output_field=text)
    most_frequent = Coalesce(said, Value("", output_field=text), output_field=text)
    return {"error": Concat(told, most_frequent, output_field=text), "error_code": ERROR_CODE}
