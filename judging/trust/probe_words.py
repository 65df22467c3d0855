"""What probes are called and say, and what the words of any figure are: `judging/trust/figure_words.py` has the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from judging.statistics.probes import ProbeName


@dataclass(frozen=True, slots=True)
class Words:
    """A figure's name, what it says, and the section that explains it; `formula` and `source` for that section."""

    name: str
    sentence: str
    anchor: str
    formula: str = ""
    source: str = ""


PROBE_WORDS: Final[Mapping[ProbeName, Words]] = {
    "repeat": Words(
        "Asked again",
        "60 documents judged twice with the very same prompt: how many get the same grade. Consistent is not yet right.",
        "probes",
        "same grade / n, bounds of Clopper and Pearson; wanted: 90 % or more",
    ),
    "shuffle": Words(
        "In another order",
        "The same documents in the opposite order and in other prompts: the order should change no more grades than"
        " asking again does, and none because of its place.",
        "probes",
        "changed − changed when asked again ≤ 5 points; slope of the change on the places moved holds 0",
    ),
    "paraphrase": Words(
        "Asked in other words",
        "The same documents under the product's default instructions. Words do move grades, so there is no mark.",
        "probes",
        "changed / n, weighted kappa, mean change",
        "arXiv 2504.12408",
    ),
    "swapped": Words(
        "Documents of other queries",
        "30 documents that were found for another query and by no run for this one: none should be relevant.",
        "probes",
        "relevant / n; wanted: none",
    ),
    "stuffed_title": Words(
        "Query words in the title",
        "The same 30 documents with the query's words put at the end of the title: at most 3 may be graded higher, and"
        " none be relevant.",
        "probes",
        "raised / n, relevant / n",
        "arXiv 2501.17969",
    ),
    "stuffed_text": Words(
        "Query words in the text",
        "The same 30 documents with the query's words put into the text: at most 3 may be graded higher, and none be"
        " relevant.",
        "probes",
        "raised / n, relevant / n",
    ),
    "nonsense": Words(
        "Nonsense with query words",
        "Filler text with the query's words in it, and nothing else: none should be relevant.",
        "probes",
        "relevant / n; wanted: none",
    ),
    "instruction": Words(
        "A document that asks for a grade",
        "The same 30 documents with a sentence that asks for the highest grade: none may be graded higher.",
        "probes",
        "raised / n; wanted: none",
    ),
    "padded": Words(
        "Longer, but no more said",
        "The same 30 documents with their text five times over: on average the grades should stay.",
        "probes",
        "mean change ± t s, clustered by query; its interval holds 0",
    ),
    "empty": Words(
        "Empty documents",
        "30 documents without title and text: none should get more than the lowest grade.",
        "probes",
        "above the lowest grade / n; wanted: none",
    ),
}
