"""Scales in words, as forms offer them."""

from judging.foundation.scales import Scale


def scale_words(scale: Scale) -> str:
    """Describe a scale in a line: its range and what the ends and the middle are called."""
    return (
        f"{scale.title}: {', '.join(scale.labels)}"
        if len(scale.labels) <= 5
        else (f"{scale.title}: {scale.labels[0]} to {scale.labels[-1]}, in ten steps")
    )
