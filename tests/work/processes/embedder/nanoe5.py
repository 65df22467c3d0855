"""In place of the sentence embedder, for a stack that has thousands of texts to embed: words alone, in no time.

On a process's PYTHONPATH it comes before the installed package. Two texts are the closer, the more words they share.
"""

import zlib
from typing import Any

import numpy as np

_WORDS_DIMENSIONS = 383


class E5:
    def __init__(self, num_threads: int = 0) -> None:
        pass

    def passage(self, text: str) -> Any:
        words = np.zeros(_WORDS_DIMENSIONS, dtype=np.float32)
        for word in set(text.casefold().split()):
            words[zlib.crc32(word.encode()) % _WORDS_DIMENSIONS] += 1
        words /= np.linalg.norm(words) or 1
        # The model's own similarities lie between 0.75 and 0.95.
        return np.append(words * 0.5, np.float32(0.75**0.5))

    def token_count(self, text: str) -> int:
        return len(text.split()) + 2
