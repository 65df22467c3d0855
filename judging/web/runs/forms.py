"""Forms about evaluations and imports. What they take is checked again by the services."""

from typing import Any

from django import forms
from django.conf import settings

from judging.foundation.limits import MAX_JUDGMENTS_WANTED, MAX_MODEL, MAX_NAME, MAX_TEXT
from judging.foundation.scales import SCALES
from judging.metrics import DEFAULT_METRICS, KNOWN_METRICS
from judging.models import Corpus, Evaluation, EvaluationRun, MatchMode
from judging.runs.evaluation_lists import corpora
from judging.runs.importing.formats.recognition import FORMATS
from judging.web.runs.search_inputs import SearchInputsForm
from judging.web.scale_words import scale_words

# What is offered as a chip; everything else is typed.
OFFERED_METRICS = (
    "NDCG@10",
    "NDCG@5",
    "P@10",
    "P@5",
    "Recall@10",
    "MRR@10",
    "MAP",
    "F1@10",
    "ERR@10",
    "RBP",
    "DCG@10",
    "SDCG@10",
    "NDCG_lin@10",
    "Judged@10",
)


class EvaluationForm(SearchInputsForm):
    """A new evaluation, over a corpus that exists or over a new one."""

    name = forms.CharField(
        label="Name",
        max_length=MAX_NAME,
        widget=forms.TextInput(attrs={"placeholder": "Product search, spring relaunch"}),
    )
    description = forms.CharField(
        label="Guidelines",
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="What makes a result relevant here? People see this while they judge, and prompts can quote it.",
    )
    corpus = forms.ModelChoiceField(
        label="Corpus",
        queryset=Corpus.objects.none(),
        required=False,
        empty_label="A new corpus",
        help_text="Judgments belong to the corpus: a new run over the same one starts pre-judged.",
    )
    corpus_name = forms.CharField(
        label="Name of the new corpus",
        max_length=MAX_NAME,
        required=False,
        help_text="Left empty, it is called like the evaluation.",
    )
    match_mode = forms.ChoiceField(
        label="Queries of the new corpus are the same",
        choices=[
            (MatchMode.QID, "when their text is the same"),
            (MatchMode.OID, "when the whole object is the same, with filters and other keys"),
        ],
        initial=MatchMode.QID,
        required=False,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["corpus"].queryset = corpora()  # type: ignore[attr-defined]

    def clean_match_mode(self) -> str:
        return self.cleaned_data["match_mode"] or MatchMode.QID


class EvaluationChangeForm(SearchInputsForm):
    """What changes of an evaluation that exists."""

    name = forms.CharField(label="Name", max_length=MAX_NAME)
    description = forms.CharField(
        label="Guidelines",
        required=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="People see this while they judge, and prompts can quote it.",
    )


class _UploadForm(forms.Form):
    """A form with files. Browsers don't keep chosen files, so the page does (hx-preserve)."""

    @property
    def max_bytes(self) -> int:
        """More is refused before it is read; the page says so before it is sent."""
        size: int = settings.MAX_UPLOAD_BYTES
        return size


def _file(name: str, label: str, help_text: str, accept: str) -> forms.FileField:
    # Preserved: the browser gives no way to put a chosen file back into an input that was swapped.
    attrs = {"accept": accept, "class": "drop-input", "aria-labelledby": f"id_{name}_label", "hx-preserve": "true"}
    return forms.FileField(
        label=label,
        help_text=help_text,
        required=False,
        # An empty file is for the import to refuse, which says it as it says everything else.
        allow_empty_file=True,
        widget=forms.FileInput(attrs=attrs),
    )


def _read_as(field: str) -> forms.ChoiceField:
    """Let people say what a file is, where it can't be told from its first lines."""
    labels = ((each.name, each.label[:1].upper() + each.label[1:]) for each in FORMATS[field])
    # A form has several of them: each says of which file.
    label = f"Read the {'judgments' if field == 'file' else field} as"
    return forms.ChoiceField(label=label, choices=[("auto", "What it looks like"), *labels], required=False)


class _MeasuredForm(forms.Form):
    """A form that says what a run is measured by: chips and typed names together are `all_metrics`."""

    metrics = forms.MultipleChoiceField(
        label="Metrics",
        choices=[(name, name) for name in OFFERED_METRICS],
        initial=list(DEFAULT_METRICS),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    more_metrics = forms.CharField(
        label="More metrics",
        max_length=1000,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "P@3, Recall@100", "autocomplete": "off"}),
        help_text=f"With commas between them. Known are {', '.join(KNOWN_METRICS)}.",
    )
    relevant_from = forms.IntegerField(
        label="Relevant from grade",
        initial=1,
        min_value=1,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        help_text="Precision, recall, MAP and MRR count grades from here on as relevant.",
    )
    engine_model = forms.CharField(
        label="Model of the engine",
        max_length=MAX_MODEL,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "text-embedding-3-small", "autocomplete": "off"}),
        help_text="If the search ranks with a model: a judge of the same family favours it, and comparisons warn of it.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        typed = [name.strip() for name in cleaned.get("more_metrics", "").split(",")]
        chosen = cleaned.get("metrics", [])
        cleaned["all_metrics"] = [*chosen, *(name for name in typed if name and name not in chosen)]
        return cleaned


def initial_measures(run: EvaluationRun) -> dict[str, Any]:
    """Return what a form begins with where it is measured like a run."""
    return {
        "metrics": [name for name in run.metrics if name in OFFERED_METRICS],
        "more_metrics": ", ".join(name for name in run.metrics if name not in OFFERED_METRICS),
        "relevant_from": run.relevant_from,
    }


class RunSettingsForm(_MeasuredForm):
    """What changes of a run that exists."""

    name = forms.CharField(label="Name of the run", max_length=MAX_NAME)
    description = forms.CharField(
        label="Description",
        max_length=MAX_TEXT,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What is different about it, for whoever looks at it later.",
    )
    judgments_wanted = forms.IntegerField(
        label="Grades wanted per candidate",
        min_value=1,
        max_value=MAX_JUDGMENTS_WANTED,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        help_text="Evaluate shows a candidate until this many people have graded it.",
    )
    blind = forms.BooleanField(
        label="Judged blind",
        required=False,
        help_text="Members, too, see rank, the AI's and others' grades of a candidate only once they have graded it, and"
        " Evaluate shows no AI grade. Raters never see them. Grades given stay as they are.",
    )


class ImportRunForm(_MeasuredForm, _UploadForm):
    """An evaluation run from files."""

    name = forms.CharField(label="Name of the run", max_length=MAX_NAME)
    scale = forms.ChoiceField(
        label="Grading scale",
        choices=[(scale.name, scale_words(scale)) for scale in SCALES.values()],
        initial="graded",
        widget=forms.RadioSelect,
    )
    file_format = forms.ChoiceField(
        label="Files",
        choices=[("jsonl", "One file with everything"), ("trec", "A run, its queries and documents")],
        initial="jsonl",
        widget=forms.RadioSelect,
    )
    results = _file(
        "results",
        "Results",
        'JSON, a query per line: {"query", "query_id"?, "candidates": [{"id", "title", …}]}, or a table: query, doc_id,'
        " rank or score, title …",
        ".jsonl,.json,.ndjson,.csv,.tsv",
    )
    read_as_results = _read_as("results")
    run = _file(
        "run",
        "Run",
        "TREC run: query_id Q0 doc_id rank score tag; MS MARCO run; or a table: query or query_id, doc_id, rank or score",
        ".run,.trec,.txt,.tsv,.csv",
    )
    read_as_run = _read_as("run")
    queries = _file(
        "queries", "Queries", "query_id, tab, query; or CSV, JSON, BEIR's queries.jsonl", ".tsv,.txt,.csv,.jsonl,.json"
    )
    read_as_queries = _read_as("queries")
    documents = _file(
        "documents",
        "Documents",
        'JSON: {"doc_id", "title", "fields"?, "image"?}; or BEIR\'s corpus.jsonl, CSV, TSV',
        ".jsonl,.json,.csv,.tsv",
    )
    read_as_documents = _read_as("documents")
    allow_missing_documents = forms.BooleanField(
        label="Take documents without content, too", required=False, help_text="They show their id alone."
    )

    only_ranked_queries = forms.BooleanField(
        label="Leave out queries that the run found nothing for",
        required=False,
        help_text="For files that hold the queries of other runs, too, as BEIR's do.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("file_format") == "jsonl":
            self._need("results", "Choose the file with the results.")
        else:
            # Whether it needs queries and documents depends on what it is: the import says it.
            self._need("run", "Choose the run.")
        return cleaned

    def _need(self, name: str, message: str) -> None:
        if self.cleaned_data.get(name) is None and name not in self.errors:
            self.add_error(name, message)


class ImportJudgmentsForm(_UploadForm):
    """Judgments that were made elsewhere, into the corpus of an evaluation."""

    file = _file(
        "file",
        "Judgments",
        "CSV or JSON with doc_id, grade and query or query_id (and author, reasoning …); qrels of TREC, MS MARCO or BEIR;"
        " Quepid, OpenSearch, RRE, RankLib",
        ".csv,.tsv,.jsonl,.json,.ndjson,.qrels,.txt",
    )
    read_as = _read_as("file")
    queries = _file(
        "queries",
        "Queries",
        "query_id, tab, query; or CSV, JSON, BEIR's queries.jsonl: gives the labels of the file their text. Needed where"
        " no run has them.",
        ".tsv,.txt,.csv,.jsonl,.json",
    )
    read_as_queries = _read_as("queries")
    scale = forms.ChoiceField(
        label="Grading scale",
        choices=[("", "As the file says"), *((scale.name, scale_words(scale)) for scale in SCALES.values())],
        required=False,
        help_text="For lines that name none; where the runs of the corpus have one scale, it is that.",
    )

    def clean_file(self) -> Any:
        if self.cleaned_data["file"] is None:
            raise forms.ValidationError("Choose the file with the judgments.")
        return self.cleaned_data["file"]


def initial_import(evaluation: Evaluation) -> dict[str, Any]:
    """Return what the import form begins with: what the newest run of the evaluation was made with."""
    newest = evaluation.runs.first()
    if newest is None:
        return {}
    return {"scale": newest.scale, **initial_measures(newest)}
