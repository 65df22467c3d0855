"""A pytest plugin: garbage in circles is looked for seldom. With `-p tests.seldom_garbage` that holds for loading, too.

Little of what tests make is such garbage, and of what is loaded nothing: looking for it as often as Python does costs a
twentieth of the tests, and a sixth of loading and collecting them.
"""

import gc

gc.set_threshold(100_000, 20, 20)


def pytest_collection_finish() -> None:
    # Modules and tests stay to the end: the collector need not look at them again and again.
    gc.freeze()
