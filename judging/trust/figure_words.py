"""What the figures of trust are called on pages, what each says in a sentence, and where it is explained.

One table for every page and command: a figure has the same name wherever it stands. `anchor` is a section of the page
"How these figures are made", whose text is in `judging/web/trust/how_sections.py`.
"""

from collections.abc import Mapping
from typing import Final

from judging.statistics.agreement.coefficients import FigureName
from judging.statistics.figures import Method, RefusedCode
from judging.trust.probe_words import PROBE_WORDS, Words

AGREEMENT_WORDS: Final[Mapping[FigureName, Words]] = {
    "kappa_quadratic": Words(
        "Agreement (weighted kappa)",
        "How well two sides agree beyond what chance would give, a miss by two grades counting four times one by one:"
        " 1 is always, 0 is no better than chance.",
        "agreement",
        "1 − n Σ(w T) / Σ(w r c), w = (k − l)²",
        "Cohen 1968",
    ),
    "ac2_quadratic": Words(
        "Agreement where grades are lopsided (AC2)",
        "The same question as weighted kappa, but it does not fall when nearly all grades are alike.",
        "agreement",
        "(p_a − p_e) / (1 − p_e), p_e from the share of each grade over both sides",
        "Gwet 2008",
    ),
    "alpha_ordinal": Words(
        "Agreement of any number of people (alpha)",
        "Agreement beyond chance for two or more sides at once, with grades as an order rather than as distances.",
        "agreement",
        "1 − (N − 1) Σ(C d) / Σ(n_k n_l d), d = squared difference of mid-ranks",
        "Krippendorff 2004",
    ),
    "tau_b": Words(
        "Same order (tau-b)",
        "Of two documents with different grades, how much more often both sides put them in the same order than in the"
        " opposite one. A judge who is always one grade too generous still has 1.",
        "agreement",
        "(concordant − discordant) / √((pairs without ties on one side) (on the other))",
        "Kendall 1945",
    ),
    "spearman": Words(
        "Same order (rank correlation)",
        "The correlation of the two sides' ranks, ties sharing theirs. Blind to a judge who is generous throughout.",
        "agreement",
        "correlation of mid-ranks",
        "Spearman 1904",
    ),
    "exact": Words(
        "Same grade", "The share of documents that both sides gave the very same grade.", "agreement", "Σ T_kk / n"
    ),
    "within_one": Words(
        "Within one grade",
        "The share of documents where the two sides are at most one grade apart.",
        "agreement",
        "Σ T where |k − l| ≤ 1, / n",
    ),
    "mean_absolute_error": Words(
        "Average distance",
        "By how many grades the two sides differ on average, whichever way.",
        "agreement",
        "Σ |k − l| T / n",
    ),
    "bias": Words(
        "Too generous or too strict",
        "The first side's grade minus the second's, on average: above 0 the AI is more generous than people.",
        "agreement",
        "Σ (k − l) T / n",
    ),
    "relevant_precision": Words(
        "Right when it says relevant",
        "Of the documents that the AI calls relevant, the share that people call relevant, too.",
        "agreement",
        "both / (AI relevant)",
    ),
    "relevant_recall": Words(
        "Finds what is relevant",
        "Of the documents that people call relevant, the share that the AI calls relevant, too.",
        "agreement",
        "both / (people relevant)",
    ),
    "relevant_kappa": Words(
        "Agreement on relevant or not (kappa)",
        "Agreement beyond chance on the one question of relevant or not.",
        "agreement",
        "kappa of the 2 × 2 table at the grade where relevant begins",
        "Cohen 1960",
    ),
}

# Everything else that has a number or a name of its own, by its name in the API.
OTHER_WORDS: Final[Mapping[str, Words]] = {
    "confusion": Words(
        "Who said what",
        "How often people gave each grade where the AI gave each: the diagonal is agreement.",
        "agreement",
    ),
    "unblind_share": Words(
        "Graded with the AI's grade in sight",
        "The share of people's grades given while the AI's grade was shown. These do not count here: seeing a grade"
        " pulls people towards it.",
        "blind",
    ),
    "unknown_count": Words(
        "Not known to be blind",
        "Grades of which nobody recorded whether the AI's was in sight. They are never counted as blind.",
        "blind",
    ),
    "anchoring": Words(
        "What seeing the AI's grade did",
        "How much more often people gave the AI's very grade where they saw it than where they did not.",
        "blind",
        "same grade (shown) − same grade (blind)",
    ),
    "judge_kappa": Words(
        "The judge with people",
        "Agreement of the AI with all people but one, averaged over the one left out.",
        "people",
        "A = mean_j kappa(AI, people without j)",
    ),
    "person_kappa": Words(
        "A person with the other people",
        "Agreement of one person with the others, averaged over all people: the ceiling of any judge.",
        "people",
        "B = mean_j kappa(person j, people without j)",
    ),
    "difference": Words(
        "Judge against a person",
        "How much better or worse than one more person the judge agrees with people.",
        "people",
        "A − B, delete-one-query jackknife",
    ),
    "alt_test": Words(
        "Alternative annotator test",
        "The share of people whom the judge could stand in for, tested query by query.",
        "people",
        source="Calderon et al. 2025 (arXiv 2501.10970), with errors clustered by query",
    ),
    "effective": Words(
        "Shown on the run",
        "The value from the grades that count: a person's where there is one, else the AI's. More grades of people do"
        " not make it right, because most grades are still the AI's.",
        "estimates",
    ),
    "ai_alone": Words("The AI alone", "The value if only the AI's grades counted.", "estimates"),
    "estimate": Words(
        "What people would say",
        "The value people would give if they graded everything, worked out from a check sample.",
        "estimates",
    ),
    "check_sample": Words(
        "Check sample",
        "Documents in a fixed random order that people grade without seeing the AI's grade. You can stop anywhere.",
        "check-samples",
    ),
    "certificate": Words(
        "Certified",
        "People graded enough that the interval for queries like these is at most 1.15 times as wide as if they had"
        " graded everything.",
        "certificates",
    ),
    "width_ratio": Words(
        "Times as wide",
        "How many times as wide the interval for queries like these is as if people had graded everything.",
        "certificates",
        "√(V total / V query)",
    ),
    "run_difference": Words(
        "Difference", "The second run's average minus the first's, over queries scored in both.", "comparisons", "b − a"
    ),
    "rbo": Words(
        "Overlap of two lists (RBO)",
        "How alike two ranked lists are, from 0 to 1, the top counting most: what both have at rank 1 counts more than at"
        " rank 10. Where one list is shorter, the rest of the longer one is taken to be as alike: two lists that agree as far"
        " as the shorter one goes have 1, though Jaccard is low. No grades are needed.",
        "comparisons",
        "(1 − p) / p · (Σ Xᵈ / d · pᵈ + Σ Xˢ (d − s) / (s d) · pᵈ) + ((Xˡ − Xˢ) / l + Xˢ / s) · pˡ, p = 0.9",
        "Webber, Moffat and Zobel 2010, eq. 32",
    ),
    "jaccard": Words(
        "Documents in common (Jaccard)",
        "Of the documents among the first k of either list, the share that both have. A shorter list lowers it.",
        "comparisons",
        "|A ∩ B| / |A ∪ B|",
    ),
    "range": Words(
        "Range",
        "What the difference could at least and at most be, whatever the documents without a grade are worth.",
        "comparisons",
        "min and max of b − a over all grades of the unjudged documents that the metric looks at",
    ),
    "judged_only": Words(
        "Judged only",
        "The difference had both runs returned only what is judged: unjudged documents are left out of the lists"
        " instead of counting as not relevant. Far from the difference itself, the unjudged make part of it; neither of"
        " the two is what people would say.",
        "comparisons",
        "mean of m(b without unjudged) − m(a without unjudged), over queries with judged documents in both",
    ),
    "noise": Words(
        "The engine's own noise",
        "How far two runs of one configuration differ: a difference up to there may be no change at all.",
        "comparisons",
        "the end farther from 0 of the interval of their difference",
    ),
    "p_randomisation": Words(
        "Chance alone (p)",
        "How often a difference at least this large would come from chance, if for each query the two runs were"
        " swapped by the toss of a coin.",
        "comparisons",
        "share of sign flips with |sum| ≥ the observed; all 2^Q where these are few, else 10,000 at random",
        "Fisher 1935; Smucker, Allan and Carterette 2007",
    ),
    "p_holm": Words(
        "Chance alone, several runs (p)",
        "The same, made stricter because several pairs of runs were looked at together.",
        "comparisons",
        "the i-th smallest of m times (m − i + 1), never falling",
        "Holm 1979",
    ),
    "wins_ties_losses": Words(
        "Better / same / worse",
        "On how many queries the second run's value is higher, the same, or lower.",
        "comparisons",
        "same: within 10⁻⁹",
    ),
    "minimum_detectable_difference": Words(
        "Smallest difference that would be seen",
        "A true difference below this would more often than one time in five go unseen with so many queries.",
        "comparisons",
        "(t(0.975, Q − 1) + t(0.80, Q − 1)) sd / √Q",
    ),
    "signed_change": Words(
        "Change in grades",
        "The new grades minus the old ones on the same documents, on average.",
        "judge-versions",
    ),
    "distribution_p": Words(
        "Uses the grades alike (p)",
        "How often the two would use the grades this differently by chance, counted over queries.",
        "judge-versions",
        source="Hotelling 1931",
    ),
    "run_order": Words(
        "Order of the runs",
        "Whether another judge would put evaluation runs into another order. Two runs that change places are really"
        " swapped only if either judge tells them apart: its interval of their difference excludes 0.",
        "judge-versions",
        "tau-b of the runs' values by the old and by the new grades",
        "Kendall 1945",
    ),
    "probes": Words("Probes", "Small traps a judge should not fall for, asked apart from the run's grades.", "probes"),
    "drift": Words("Drift", "Whether a judge still grades the same documents as it used to.", "drift"),
}

REFUSAL_WORDS: Final[Mapping[RefusedCode, Words]] = {
    "no_ai_grades": Words(
        "No AI grades", "The AI has not graded these documents, so there is nothing to check.", "agreement"
    ),
    "no_people": Words("No people", "Nobody has graded these documents yet.", "agreement"),
    "no_blind_grades": Words(
        "No blind grades",
        "People have graded, but always with the AI's grade in sight or without a record of it. Grades given in a check"
        " sample or on the Evaluate page before the AI's is shown count.",
        "blind",
    ),
    "too_few_queries": Words(
        "Too few queries",
        "An interval of so few queries would mislead. Agreement takes ten queries with fifty documents, an estimate by"
        " whole queries thirty.",
        "intervals",
    ),
    "too_few_grades": Words(
        "Too few grades",
        "Fewer than 75 grades, or of fewer than ten queries: an interval of so few would mislead.",
        "estimates-by-document",
    ),
    "too_few_disagreements": Words(
        "Too few disagreements",
        "People and the AI differ on fewer than five of the graded queries: too few to tell how large the error is.",
        "estimates-by-query",
    ),
    "too_many_skipped": Words(
        "Too many skipped",
        "People could not tell for more than a tenth of the sample. What they left out may be unlike the rest.",
        "check-samples",
    ),
    "no_variance": Words(
        "Nothing varies",
        "All values are one and the same, so nothing says how far they could be from the truth.",
        "intervals",
    ),
    "no_check_sample": Words(
        "No check sample", "Nobody has started a check sample for this metric yet.", "check-samples"
    ),
    "metric_too_deep": Words(
        "The sample is not deep enough",
        "The metric looks further down the lists than any check sample of this run.",
        "check-samples",
    ),
    "not_estimable": Words(
        "Not estimated",
        "No check sample tells this metric, such as Judged@k, which counts grades rather than what they say.",
        "estimates",
    ),
}

METHOD_WORDS: Final[Mapping[Method, Words]] = {
    "jackknife_by_query": Words(
        "jackknife by query",
        "How much the figure moves when each query in turn is left out.",
        "intervals",
        "s² = (n − 1)/n Σ(z_(q) − mean)², tanh(atanh(e) ± t(0.975, n − 1) s)",
        "Tukey 1958; Fisher's z",
    ),
    "difference_by_document": Words(
        "by document",
        "The AI's grades, corrected by what people said differently on a sample of documents.",
        "estimates-by-document",
        "θ = Σ_U W m + Σ_S W (y − m) / π",
        "Särndal, Swensson and Wretman 1992",
    ),
    "regression_by_query": Words(
        "by query",
        "The AI's value of every query, believed as far as people confirm it on whole queries.",
        "estimates-by-query",
        "θ = λ mean_N(f) + mean_n(y − λ f)",
        "Cochran 1977; Angelopoulos et al. 2023",
    ),
    "paired_by_query": Words(
        "paired by query",
        "Each query's value in one run against its value in the other.",
        "comparisons",
        "mean(d) ± t(0.975, Q − 1) sd(d) / √Q",
        "Student 1908",
    ),
    "clustered": Words(
        "clustered by query",
        "An average over documents whose spread is measured between queries, because errors of one query come together.",
        "intervals",
        "se = √(g/(g − 1) Σ(s − m n)²) / Σn",
        "Cochran 1977",
    ),
}

ALL_WORDS: Final[Mapping[str, Words]] = {
    **{str(name): words for name, words in AGREEMENT_WORDS.items()},
    **OTHER_WORDS,
    **{str(name): words for name, words in PROBE_WORDS.items()},
    **{str(name): words for name, words in REFUSAL_WORDS.items()},
    **{str(name): words for name, words in METHOD_WORDS.items()},
}


def why_refused(code: str) -> str:
    """Say in a sentence why a figure has no value, from its `refused_code`. Raise KeyError for another word."""
    return {str(known): words.sentence for known, words in REFUSAL_WORDS.items()}[code]


def signed_number(value: float, places: int = 3) -> str:
    """Write a difference with its sign, a true minus among them; what rounds to 0 has none."""
    text = f"{value:+.{places}f}"
    return text.replace("-", "\N{MINUS SIGN}") if float(text) else text[1:]
