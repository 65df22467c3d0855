"""The text of the page "How these figures are made": short sections, in the order in which questions come up.

What each figure is called and says stands in `judging/trust/figure_words.py` and is put below its section.
"""

from dataclasses import dataclass
from typing import Final

from judging.metrics import METRIC_FAMILIES
from judging.statistics.estimates.additive import ADDITIVE_FAMILIES
from judging.statistics.estimates.settling import SETTLED_FAMILIES

BY_DOCUMENT = ", ".join(family.name for family in METRIC_FAMILIES if family.name in ADDITIVE_FAMILIES)
_BY_QUERY = ", ".join(family.name for family in METRIC_FAMILIES if family.name in SETTLED_FAMILIES)


@dataclass(frozen=True, slots=True)
class Section:
    """A section: its anchor, what it answers, and its paragraphs and points in plain text."""

    anchor: str
    title: str
    paragraphs: tuple[str, ...]
    points: tuple[str, ...] = ()


SECTIONS: Final[tuple[Section, ...]] = (
    Section(
        "blind",
        "What “blind” means",
        (
            "A person's grade is blind when it was given before the AI's grade of that document was in sight. Only"
            " blind grades say whether the AI is right: people who see a grade drift towards it (in one published"
            " study, agreement rose from 56 to 72 % that way).",
            "So the figures here count blind grades only, unless you ask for everybody's. A person who changes their"
            " mind after seeing the AI's grade keeps their blind one for these figures, while the run's metrics use the"
            " new one.",
        ),
        (
            "Grades from a check sample, and those given on the Evaluate page before the AI's is shown, are blind.",
            "Grades of imported raters are blind: these people never saw this product.",
            "Grades sent through the API without saying, and a member's grades from a file, are not known to be blind"
            " and never count as such.",
        ),
    ),
    Section(
        "agreement",
        "Do the judge and people agree?",
        (
            "The AI's grade and people's (the mean of their blind grades, rounded half up) are counted document by"
            " document into a table: rows what the AI said, columns what people said. Every figure of agreement comes"
            " from that table T, with its row sums r, column sums c and total n.",
            "No single number will do. Weighted kappa falls when nearly all documents deserve the same grade, AC2 does"
            " not; figures of order are blind to a judge who is generous throughout, which “too generous or too"
            " strict” shows. There are no words such as “substantial” here, for they mean nothing without knowing how"
            " well people agree with each other. That stands beside.",
        ),
    ),
    Section(
        "people",
        "As well as people agree with each other?",
        (
            "People differ, too. With two people or more on at least 30 documents of at least 10 queries, each person in"
            " turn is compared with the others, and the AI with the same others on the same documents. The difference"
            " of the two averages says whether the judge is as good as one more person.",
            "“Better than a person”: the interval of the difference lies above 0. “As good as”: above −0.10. “Below”:"
            " all of it under −0.10. Otherwise it can't be told yet.",
            "An estimate is of what these people say, on average. When the people of a run spread further than its"
            " interval, the interval is narrower than taste.",
        ),
    ),
    Section(
        "intervals",
        "Two intervals: these queries, queries like these",
        (
            "Every figure has an interval at 95 %: of a hundred such intervals, about 95 hold what they are about.",
            "“For these queries” allows for the judge's errors on the queries at hand. It shrinks with every grade that"
            " people give, and is 0 wide when they have graded everything.",
            "“For queries like these” also allows for the queries themselves having been drawn from many. Only more"
            " queries make it narrower. With 92 queries it was ±0.077 for P@10 even with every grade given by people.",
            "Errors of a judge come by query: a query misread spoils all of its documents. So spread is always"
            " measured between queries, never between documents, which would promise far too much (40 of a hundred"
            " intervals hold, where they say 95).",
            "For agreement, each query is left out in turn and the figure computed again; how much it moves gives the"
            " interval (the jackknife, after Fisher's transformation for figures between −1 and 1). There is nothing"
            " random in it. It takes 10 queries and 50 documents, and is called rough below 20 queries.",
        ),
    ),
    Section(
        "estimates",
        "What would people say?",
        (
            "The value shown on a run mixes grades: a person's where there is one, else the AI's. Having people review"
            " some documents does not repair it, as most grades are still the AI's (in a trial, P@10 was 0.112 too"
            " high, and still 0.090 after people had graded a fifth).",
            "What people would say if they graded everything is therefore a figure of its own, from a check sample. How"
            " it is worked out depends on the metric: by document where the metric is a sum over documents, by query for"
            " all others.",
            "Where several people graded a document, it counts with the mean of what each grade is worth, not with the"
            " worth of their rounded mean: one person per document is then right for the average person.",
        ),
    ),
    Section(
        "estimates-by-document",
        f"Estimates by document: {BY_DOCUMENT}",
        (
            "These metrics are sums of a weight W (from the rank) times a gain y (from the grade). The AI's grade c of"
            " each document stands for m, what people said on average where the AI said c; what they said differently on"
            " the sampled documents is added, each divided by its probability π of being in the sample. The result is"
            " right on average whatever the judge does; a good judge only makes it narrower.",
            "It takes 75 grades from 10 queries, and is rough below 100. Where people and AI hardly ever differ, an"
            " exact bound (Clopper and Pearson 1934) takes the place of the spread.",
        ),
    ),
    Section(
        "estimates-by-query",
        f"Estimates by query: {_BY_QUERY}",
        (
            "These metrics divide by what is not known from single documents, and every short cut tried fails: of a"
            " hundred intervals 0 to 55 hold. So people grade whole queries, drawn at random. With y what people's"
            " grades give a query and f what the AI's give, the AI's values of all queries are believed as far as λ, the"
            " slope between the two.",
            "It takes 30 queries, five of which people and AI see differently, and is rough below 45. A query may need"
            " few grades: for MRR people read down to the first relevant document and stop.",
        ),
    ),
    Section(
        "check-samples",
        "Check samples",
        (
            "A check sample asks people for the grades that a goal needs, and no more. Every query and document of a"
            " corpus has a permanent random number; from these, and from how much each document weighs, follows one"
            " fixed order that goes round the queries. Any beginning of it is a valid sample, so you can stop"
            " anywhere, and a second run of the same corpus needs only about half as many new grades.",
            "People see neither the AI's grade nor the rank nor the run. “I can't tell” skips a document; when more than"
            " a tenth is skipped, there is no estimate. Documents are never chosen because judges disagree on them:"
            " that sounds clever, and of a hundred such intervals 44 hold.",
            "You may look after every batch. Stopping because the interval is narrow enough is always fair. Stopping"
            " because of an answer (“A beats B”) is not, with an ordinary interval: it is wrong a third of the time. For"
            " that, a wider interval is used that holds at all looks together (arXiv 2103.06476).",
        ),
    ),
    Section(
        "certificates",
        "Certificates",
        (
            "A metric is certified when grading the rest would hardly narrow what is known: the interval for queries"
            " like these is at most 1.15 times as wide as if people had graded everything, from at least 100 grades (or"
            " all there are). For metrics by document that took 5 to 21 % of the grades in trials, for NDCG 33 to 50 %.",
            "A certificate records what it rests on: documents, ranks, AI grades, judge, and the grade where relevant"
            " begins. When one of these changes it is void for good. More grades of people do not void it.",
            "It does not say that people are right, only what they would say.",
        ),
    ),
    Section(
        "comparisons",
        "Is one run better than another?",
        (
            "Two runs are compared query by query, over the queries scored in both. The average difference has an"
            " interval from the spread of these differences (for queries like these); a difference whose interval"
            " holds 0 may be chance.",
            "As a second opinion, the sign of each difference is flipped at random, 10,000 times: p is how often"
            " chance alone gives a difference as large. With three runs or more, p is made stricter for every pair"
            " looked at. The smallest difference that would be seen says what so few queries can't show.",
            "While any grade behind these values is the AI's, all of this holds “if the AI's grades were people's”. They"
            " are not: in trials, of 62 differences in NDCG@10 that a weak judge called real, people did not confirm 19"
            " and saw 3 the other way round. A judge of the same family as the engine's model favours that engine"
            " (+0.047 where people saw 0.000). With a check sample on what differs, people's own difference stands"
            " beside. Its verdict comes from the interval for queries like these alone, made as wide as it must be to hold"
            " however often one looks.",
        ),
        (
            "Better or worse: the interval lies above or below 0.",
            "No difference seen: the interval holds 0. That is not the same as no difference: see how small a difference"
            " would have been seen.",
            "Can't tell: there is no interval, because there are too few queries or grades.",
        ),
    ),
    Section(
        "judge-versions",
        "One judge against another, on the same documents",
        (
            "Two judging runs or versions are compared on the documents that both graded: how many grades changed, up"
            " and down, and by how much on average. The usual tests of such tables take documents for independent and"
            " cry wolf 15 to 53 % of the time where they promise 5; those here are over queries.",
            "Three or more evaluation runs are put into an order by either judge's grades. Two runs that change places"
            " are often too alike to have an order at all: a swap is called real only where one of the judges tells them"
            " apart.",
            "A consensus of several judges is one more judge to be checked like any other: their median, of an even"
            " number the lower of the two in the middle, or the most frequent grade, of several the lowest, wherever more"
            " than half of them graded. Judges that err alike gain nothing from voting: four similar ones reached 0.68 to"
            " 0.72 where the best alone had 0.69. So the agreement of each pair stands beside.",
        ),
    ),
    Section(
        "probes",
        "Probes",
        (
            "A probe judges a few documents in a way that should not matter, or that should not fool anybody. About 330"
            " questions go to the judge in calls of their own: they never share a prompt with real candidates, never"
            " become judgments and never enter a metric. Queries and documents are those of an evaluation run, chosen by"
            " their permanent random numbers, so the same run asks the same.",
            "Three probes ask whether the judge is steady: the same prompt again, another order, other words. Seven ask"
            " whether it can be fooled: 30 documents of other queries, which no run found and nobody judged for this one,"
            " as they are and altered.",
            "Shares come with exact bounds (Clopper and Pearson 1934), each of which holds with 95 % confidence: none of"
            " 30 means below 9.5 %, one of 30 below 14.9 %. Changes come with an interval clustered by query. A probe"
            " counts when nine tenths of its questions were answered.",
            "The marks are this project's own: the papers show that judges fall for such traps, and set no marks. A"
            " steady judge may still be wrong, so these stand apart. The small local judge that comes with the product"
            " fails: in a trial of 200 such documents it called 78 % relevant with the query's words in their title.",
        ),
    ),
    Section(
        "drift",
        "Drift",
        (
            "Services change models without saying so. A golden set is a fixed set of documents, 40 queries with 5 each"
            " unless you choose otherwise, drawn by their permanent random numbers and kept as they were. The judge"
            " grades it four times at the start, which says what it grades and how far it strays by itself. Later checks"
            " are compared with that. Nothing of it becomes a judgment or enters a metric.",
            "The shift of a check is how much higher or lower its grades are on average; z is that shift divided by the"
            " standard deviation σ that such a shift has by chance, measured between queries. Beyond three is an alarm:"
            " without any drift that happens in 2 to 6 of a thousand checks. Small shifts the same way are added up"
            " (a CUSUM, Page 1954, with slack 0.5) and are worth a look once their sum passes 5: in simulations a shift of"
            " 0.05 grades was seen after two checks, one of 0.03 after four to six. A judge that graded alike all four"
            " times is expected to go on so: its first changed grade is an alarm.",
            "A baseline begins anew when the judge has a new version, and when the service returns another model's name"
            " than it did then: grades of two models are not compared with each other.",
            "A call that failed is no grade. Documents without an answer are left out on both sides; with answers for"
            " fewer than nine in ten, nothing is said.",
        ),
    ),
    Section(
        "limits",
        "What is not known",
        (
            "The methods were chosen by simulation on one collection: product search, 135 queries of which 92 have"
            " enough judged documents, three people, grades that are mostly 0 or 3. Larger sets were made by repeating"
            " its queries, which makes them look more alike than real ones.",
        ),
        (
            "Only one real AI judge was there, a similarity model; the others were made up, so how large language models"
            " err is a guess.",
            "The lists were rankings of judged documents, 10 to 40 deep.",
            "The intervals hold in the long run and for enough grades; with fewer than 75, or with very rare errors,"
            " they fail. Hence the refusals.",
            "The graders are taken to be alike, and not to change while they grade.",
            "The probabilities behind a weighted sample are close, not exact (errors up to 0.004).",
            "SDCG@10 does not stand in for NDCG@10: they put runs in different orders (tau 0.75).",
        ),
    ),
    Section(
        "check-it-yourself",
        "Check it yourself",
        (
            "How often the intervals hold can be computed again on any machine, from the sample data that comes with the"
            " source: in the directory of the source, run",
        ),
    ),
)

# What the last section says to run.
COVERAGE_SCRIPT: Final = "scripts/coverage_tables.py"
