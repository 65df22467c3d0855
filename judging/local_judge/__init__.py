"""The local judge: a similarity model behind an OpenAI-compatible API, so that the product works without key or network.

It is not an LLM. `reading` finds query and candidates in the tags of the default prompt, `scoring` turns the
similarity of their sentence embeddings into a grade, `server` speaks HTTP. Nothing here imports Django or the rest
of the house: it is a provider like any other, and could run on a machine of its own.
"""
