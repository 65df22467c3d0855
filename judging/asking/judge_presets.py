"""Templates to start an AI judge from, one per field of work: prose of our own in the frame of the default prompt."""

from dataclasses import dataclass
from typing import Any

from judging.asking.prompting import DEFAULT_PROMPT_TEMPLATE
from judging.foundation.limits import DEFAULT_DOCUMENT_CHARS

# The places of the default prompt that a field of work fills.
_ROLE = (
    "You are an expert judge of search results. Judge how relevant each candidate is to the query, and nothing else."
)
_BEFORE = "Grade every candidate with one integer"


@dataclass(frozen=True, slots=True)
class JudgePreset:
    """A template with what it is strong and weak at. `criteria` are lines; the guidelines of an evaluation overrule them."""

    key: str
    name: str
    description: str
    strong: str
    weak: str
    role: str
    criteria: tuple[str, ...]
    batch_size: int = 1
    max_document_chars: int = DEFAULT_DOCUMENT_CHARS

    @property
    def prompt_template(self) -> str:
        """Return the whole template. The local judge reads its tags, and none of its prose."""
        criteria = "\n".join(f"- {line}" for line in self.criteria)
        words = (
            f"How to judge here{{{{#if evaluation_description}}}} (where the guidelines above say otherwise, they "
            f"win){{{{/if}}}}:\n{criteria}\n\n{_BEFORE}"
        )
        return DEFAULT_PROMPT_TEMPLATE.replace(_ROLE, self.role, 1).replace(_BEFORE, words, 1)

    def settings(self) -> dict[str, Any]:
        """Return the settings of a judge made from it, by name; all others take their defaults."""
        names = ("name", "prompt_template", "batch_size", "max_document_chars")
        return {name: getattr(self, name) for name in names}


JUDGE_PRESETS = (
    JudgePreset(
        "product_search",
        "Product search",
        "Would a shopper who typed this consider this product?",
        "Catalogues with titles and attributes. Tells the thing itself from its accessories, and what must fit from what "
        "may differ.",
        "Fashion and furniture where the picture decides (send images), and part numbers, which a rule compares better.",
        "You are an expert judge of product search. Judge how well each candidate is what the shopper who typed the query "
        "wants to buy, and nothing else.",
        (
            "Work out first what the shopper wants: the kind of product, and everything that the query names of it, such "
            "as brand, model, size, colour, capacity, material, price or for whom it is.",
            "The highest grade is for a product of that kind that has all of it. The lowest is for another kind of "
            "product, however well its words match.",
            "A product of the right kind that misses something named stands between. What can't be traded weighs most: a "
            "model number, a size, what it must fit or work with. A colour, or a brand that was one wish among others, "
            "weighs less.",
            "An accessory, spare part, refill, case or service for the thing is not the thing, and the thing is not its "
            "accessory: grade it low, unless the query can mean either.",
            "A query that names only a kind of product or a brand is broad: every such product answers it fully. Ask for "
            "nothing that the query does not ask for.",
            "What a document does not tell is unknown, not wrong: grade a little below a product that tells it.",
            "Price, rating, popularity and stock count only where the query asks for them.",
        ),
        batch_size=5,
    ),
    JudgePreset(
        "help_pages",
        "Documents and help pages",
        "Does this page bring the reader to the end of what they set out to do?",
        "Manuals, knowledge bases, intranets and support sites: tasks, error messages, settings, policies.",
        "Pages whose answer stands only in a picture or a video, and long manuals in one piece: raise the characters per "
        "document, or search by section.",
        "You are an expert judge of search in documentation and help pages. Judge how far each candidate brings the "
        "reader who typed the query to what they set out to do or learn, and nothing else.",
        (
            "Name to yourself the task or the question behind the query, and the product, version, platform or group of "
            "people that it is about.",
            "The highest grade is for a page with which the reader is done: the steps, the rule or the explanation stand "
            "on it. The lowest is for a page that does not help with it at all.",
            "A page with a part of it, or with what must be done first or afterwards, stands between; so does an overview "
            "that leads to the right page by a link.",
            "A page about another product, version or platform helps only as far as the same holds there. Where the query "
            "names none, the current one is meant.",
            "An error message or a code must be that very one. A page about the same symptom with another cause is a "
            "weak answer.",
            "A discussion counts by what it settles: a question like the reader's without an answer is a weak answer.",
            "That a page mentions the words of the query is no reason for a grade; that it deals with them is.",
        ),
        max_document_chars=16_000,
    ),
    JudgePreset(
        "rag_passages",
        "Passages for RAG",
        "Can the question be answered from this passage?",
        "Chunks that a language model answers from: tells passages that hold the answer from those that are only about "
        "the subject.",
        "Questions that several passages answer only together: each is graded by itself, as one that holds a part.",
        "You are an expert judge of retrieval for question answering. A writer who knows nothing else will answer the "
        "query from the passages found. Judge how much each candidate gives that writer to answer with, and nothing else.",
        (
            "List to yourself the facts that a complete and correct answer needs.",
            "The highest grade is for a passage from which the whole answer can be written. The lowest is for a passage "
            "with none of these facts, even if it is about the same subject.",
            "A passage with some of the facts stands between, higher the more of the answer rests on them.",
            "Take the passage as it stands. What you know yourself, and what the rest of its document may say, is not in "
            "it. Where it is unclear whom or what it speaks of, it supports less.",
            "A passage that answers for another time, place, version or person than the query asks about would mislead "
            "the writer: grade it low.",
            "A passage that shows the question to rest on a wrong assumption answers it.",
            "Whether the answer is true in the world is not asked; whether the passage gives it, is.",
        ),
        max_document_chars=6_000,
    ),
    JudgePreset(
        "jobs",
        "Jobs",
        "Would someone who searches like this apply for this job?",
        "Job boards: titles that differ in words and not in work, seniority, skills, place and kind of contract.",
        "Commuting distances, and pay in other currencies or terms: the model guesses. Filter by them before you judge.",
        "You are an expert judge of job search. Judge how well each candidate, a job, fits what the person who typed the "
        "query looks for, and nothing else.",
        (
            "Work out what the person looks for: the occupation, and what else the query names, such as seniority, "
            "skills, employer, place, remote work, hours, kind of contract or pay.",
            "The highest grade is for a job in that occupation that meets all of it. The lowest is for a job in another "
            "occupation.",
            "Judge the work by its duties, not by its title: different titles can name one occupation, and one title can "
            "name different ones.",
            "A related occupation that the same person could take up at once stands between, lower the more of their "
            "trade they would leave behind.",
            "Seniority that is one step off costs a little, more than that costs much; a trainee's post and a manager's "
            "are not the same job.",
            "A place that was named must be the place of work or within its reach, unless the job can be done from "
            "anywhere.",
            "A skill that the query names must be used in the work. One that is only nice to have, or stands in a list "
            "of many, counts less.",
            "A query that is only a skill or an employer is broad: every job with it answers the query.",
        ),
        batch_size=5,
    ),
    JudgePreset(
        "media",
        "Films, music and other media",
        "Is this what the person wants to watch, hear or read?",
        "Libraries of films, series, music, podcasts and books: known titles, people, genres, moods.",
        "Taste, and whatever is newer than the model: it knows only what the document tells of a new release.",
        "You are an expert judge of search in a media library. Judge how well each candidate is what the person who typed "
        "the query wants to watch, listen to or read, and nothing else.",
        (
            "Decide first whether the query names one work, a person or group, or a kind of thing (genre, mood, subject, "
            "occasion, period).",
            "Where it names a work, the highest grade is for that work. Another edition or recording of it stands a step "
            "below; a sequel, a remake, a cover version or another part of the series further below; a work that only "
            "resembles it low.",
            "Where it names a person, works in which they are a main contributor answer it fully, minor parts and works "
            "about them less.",
            "Where it names a kind of thing, every good example of it answers the query fully. Grade by how plainly the "
            "work is one, not by how famous it is.",
            "A trailer, a clip, a review or merchandise is not the work, unless the query asks for it. Where the query "
            "names a form (film, series, album, song, audiobook), another form stands well below.",
            "Misspelt, abbreviated and translated titles and names mean what they obviously mean.",
            "What the query rules out or demands, such as language, age, length or year, must hold.",
        ),
        batch_size=5,
    ),
)

JUDGE_PRESETS_BY_KEY = {preset.key: preset for preset in JUDGE_PRESETS}
