"""Every bound of a field and every timing, once: models, forms, serializers, commands and system checks import them.

A check that compares a copy guards the copy. A limit of a single component, such as how deep a template may nest or how
many rows a statement reads at a time, is defined in that component.
"""

from datetime import timedelta

# The largest values of integer columns, on either database.
MAX_INTEGER = 2**31 - 1
MAX_BIG_INTEGER = 2**63 - 1

# Names and texts, in characters
MAX_NAME = 200
# A model's name at its provider.
MAX_MODEL = 200
MAX_EMAIL = 254
MAX_URL = 500
# Any text without a limit of its own: guidelines, templates, descriptions.
MAX_TEXT = 100_000
# Hashing a longer one would take too long.
MAX_PASSWORD = 1000
MAX_TOKEN_NAME = 100
MAX_SUBJECT_NAME = 300
MAX_IDEMPOTENCY_KEY = 200
# An error message.
MAX_ERROR = 2000
# A model's reply, unparsed.
MAX_RAW_REPLY = 100_000
MAX_FINISH_REASON = 50

# AI providers
MAX_API_KEY = 5000
MAX_REGION = 50
MAX_API_VERSION = 50
MAX_DEPLOYMENT = 200
MAX_LISTED_MODELS = 200
MAX_PROVIDER_CONCURRENCY = 10_000
MAX_REQUESTS_PER_MINUTE = 1_000_000

# How judges and evaluators call a model
MIN_TEMPERATURE, MAX_TEMPERATURE = 0, 2
MAX_OUTPUT_TOKENS = 1_000_000
# Seconds per attempt. The maximum also bounds background work: see below.
MIN_TIMEOUT, MAX_TIMEOUT = 5, 300
MAX_RETRIES = 20
MAX_REASKS = 2
# Per million tokens.
MAX_PRICE = 1_000_000
DEFAULT_CONCURRENCY, MAX_CONCURRENCY = 8, 256

# AI judges
MAX_BATCH_SIZE = 50
MIN_DOCUMENT_CHARS, DEFAULT_DOCUMENT_CHARS, MAX_DOCUMENT_CHARS = 100, 8_000, 1_000_000
MAX_TRIAL_CANDIDATES = 50
# Of a test over several queries: the queries, and the candidates of each.
MAX_TRIAL_QUERIES, MAX_TRIAL_DEPTH = 20, 20

# Evaluators and response judges. The vendor's SDK reads no shorter names.
MIN_EVALUATOR_NAME = 2
MIN_RESPONSE_JUDGE_NAME, MAX_RESPONSE_JUDGE_NAME = 3, 512
MAX_EVALUATORS = 20

# Batches. MAX_ELEMENTS is for any list without a limit of its own; it is checked before the elements, since a body of
# 20 MB holds ten million of them.
MAX_ELEMENTS = 1_000
MAX_INPUTS = 100
MAX_INPUT_CHARS = 3_500_000
MAX_TURNS = 1_000
MAX_TAGS = 100
MAX_TAG_CHARS = 1_000
MAX_ID_CHARS = 255
MAX_PREVIEW_CHARS = 500

# Evaluation runs and review
MAX_JUDGMENTS_WANTED = 20
MAX_JUDGMENTS = 5000
# Candidates whose AI grade is confirmed at once because they match a filter.
MAX_CONFIRMED = 10_000
# Views of the review grid that a person keeps; each is counted with every page.
MAX_OWN_VIEWS = 12
MAX_VIEW_NAME = 60
MAX_VIEW_QUERY = 2000
MAX_REASONING = 20_000
MAX_SKIP_REASON = 500
# Of one act of assigning.
MAX_ASSIGNED_PEOPLE = 200
MAX_ASSIGNED_QUERIES = 1000
# Items of a check sample handed out at once.
MAX_SAMPLE_ITEMS = 100
# Every pair of them gets a figure.
MAX_CONSENSUS_JUDGES = 10
MAX_SEARCH = 200
# Of each kind, how many of the newest a search by name looks at, and how many things it answers in all.
MAX_SEARCHED, MAX_FOUND = 5_000, 20
MAX_METRIC_NAME = 40
MAX_PAGE = 500
# How rank-biased overlap weighs depth; nearer to 0 or 1 its sums leave what a number can hold.
MIN_PERSISTENCE, MAX_PERSISTENCE = 0.001, 0.999

# Imports
MAX_LINE_BYTES = 20_000_000
MAX_CANDIDATES = 10_000
MAX_DOCUMENT_KEY = 500
MAX_LABEL = 200
MAX_QUERY_TEXT = 10_000
MAX_QUERY_OBJECT = 100_000
MAX_TITLE = 10_000
MAX_IMAGE = 1_000_000
# Databases refuse deeper nesting, and nobody could read it in a grid.
MAX_FIELD_DEPTH = 50
# The key of each line is held in memory while a file is checked: some 200 bytes each.
MAX_IMPORTED_JUDGMENTS = 1_000_000
MAX_IMPORTED_REASONING = 1_000_000
MAX_JUDGE_LABEL = 250

# Golden sets. Fewer queries say too little of how far a judge strays by itself.
MIN_GOLDEN_QUERIES = 10
MAX_GOLDEN_QUERIES = 200
MAX_GOLDEN_PER_QUERY = 20
MAX_GOLDEN_INTERVAL_DAYS = 365

# Timings of background work, in seconds. `judging.checks` compares them with the task queue's: LONGEST_TURN +
# MAX_TIMEOUT + LEASE_SECONDS < Q_CLUSTER.timeout.
SHARED_TURN = 20.0
LONGEST_TURN = 120.0
LEASE_SECONDS = 15.0

# Timings of people's work
INVITATION_LASTS = timedelta(days=7)
HANDED_OUT_FOR = timedelta(minutes=5)
# Items of a check sample, from the last grade or skip on.
LEASED_FOR = timedelta(minutes=30)
# A running import writes a chunk every second or so, but may have to wait for the database.
IMPORT_INTERRUPTED_AFTER = timedelta(minutes=15)
# The rescue runs at least every 15 s: if work waits much longer, nothing is running it.
STALLED_AFTER = timedelta(minutes=2)
MAX_AGE_DAYS = 36_500

# Search endpoints
MAX_ENDPOINT_CONCURRENCY = 64
# Seconds per request.
MIN_SEARCH_TIMEOUT, MAX_SEARCH_TIMEOUT = 1, 120
MAX_SEARCH_RETRIES = 10
MAX_MAPPING = 5_000
MAX_RESPONSE_BYTES = 50_000_000
MAX_AUTHENTICATION = 20_000
MAX_CERTIFICATE = 50_000
MAX_PLAIN_HEADERS = 30
# What is kept of an answer as evidence.
MAX_EVIDENCE_BYTES = 1_000_000
# All requests of one search in one turn, in seconds: `judging.checks` compares it, like MAX_TIMEOUT, with the queue's.
LONGEST_SEARCH = 300
MAX_SEARCH_PAGES = 100
# Of a list of candidates, asked for and stored.
DEFAULT_DEPTH, MAX_DEPTH = 20, 1_000
DEFAULT_RESPONSE_BYTES = 5_000_000
# Lists beside each other in the query lab.
MAX_LAB_SIDES = 4

# Query sets and templates
MAX_SET_QUERIES = 100_000
# Different ones of a log that a sample is taken of: some 200 bytes of memory each.
MAX_LOG_QUERIES = 1_000_000
MAX_SAMPLE_SEED = 2**53 - 1
# Of what is rendered beside a template.
PREVIEWED_QUERIES = 5
# Rendered to tell problems, before a run starts and beside the editor.
CHECKED_QUERIES = 100
MAX_QUERY_TAGS = 50
MAX_QUERY_TAG = 100
# Of a run, in lists and tables: those that most queries have.
MAX_RUN_TAGS = 100
# Queries tagged at a time.
MAX_TAGGED_QUERIES = 10_000
# With fewer scored queries, the metrics of a tag say little.
MIN_TAG_QUERIES = 10
MAX_QUERY_STRING = 20_000
MAX_CONTENT_TYPE = 100
# Of an analysis, beside the baseline.
MAX_ANALYSED_TEMPLATES = 8
