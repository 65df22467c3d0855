"""Which family a model belongs to, told from its name: a judge favours an engine that ranks with a model of its own."""

import re
from typing import Final

# What a name says beside the family: what the model is for, how large it is, how it was made or packed.
_BESIDE: Final = re.compile(
    "ai|all|base|chat|cross|distill(ed)?|embed(der|dings?)?|encoder|en(glish)?|exp(erimental)?|fast|flash|free|gguf|awq"
    "|gptq|fp8|fp16|int4|int8|bf16|instruct|it|large|latest|lite|long|max|medium|meta|micro|mini|model|ms|msmarco|multi"
    "|multilingual|marco|nano|nli|paraphrase|preview|pro|qa|query|rerank(er)?|retrieval|sentence|similarity|small|sparse"
    "|stsb|text|tiny|transformers?|turbo|uncased|unsupervised|vector|xl|xlarge|xs|xxl"
    # A version or a size: v2, l6, h384, 7b, 22m.
    r"|v\d+|[lhd]\d+|\d+x?\d*[bmk]?"
)
# Names under which the models of one maker go that were made from each other; the rest are families by their own name.
_KNOWN: Final = (
    ("gemini", r"\b(text-embedding-00\d|text-multilingual-embedding|textembedding-gecko|gemini|gemma)"),
    ("qwen", r"\b(text-embedding-v\d|qwen|qwq|gte-qwen)"),
    ("gpt", r"\b(text-embedding-|text-(davinci|ada|babbage|curie)|(chat)?gpt|davinci|o[134]\b)"),
    ("llama", r"llama"),
    ("mistral", r"\b(mi[sx]tral|codestral|ministral|magistral)"),
    ("cohere", r"\b(command-|(embed|rerank)-(english|multilingual|v\d)|cohere)"),
    ("e5", r"e5\b"),
)
_DATE: Final = re.compile(r"[-@_.]?20\d{2}[-_.]?\d{2}[-_.]?\d{2}$")


def model_family(name: str) -> str:
    """Return the family of a model, such as "gpt" of "openai/gpt-4o" and "minilm" of "all-MiniLM-L6-v2"; "" of nothing.

    Whoever serves it, its size, version, date and packing do not count. An unknown name is the family of what begins it.
    """
    text = name.strip().lower()
    # "openai/gpt-4o", "us.anthropic.claude-...": who serves it stands before; "llama3.1:8b": what is packed, behind.
    text = _DATE.sub("", text.rsplit("/", 1)[-1].split(":", 1)[0])
    text = re.sub(r"^(?:[a-z]{2,6}\.)?(?:anthropic|amazon|meta|mistral|cohere|openai|ai21|deepseek)\.", "", text)
    for family, pattern in _KNOWN:
        if re.search(pattern, text):
            return family
    telling = next((word for word in re.findall(r"[a-z0-9]+", text) if not _BESIDE.fullmatch(word)), "")
    # "phi3" and "phi4" are one family; "m3" is a name as it stands.
    without_version = re.sub(r"\d+[a-z]?$", "", telling)
    return without_version if len(without_version) > 2 else telling


def is_same_family(one: str, other: str) -> bool:
    """Say whether two models are of one family; nothing is of the family of nothing."""
    family = model_family(one)
    return bool(family) and family == model_family(other)
