"""Public tools that do LLM judging, over the same pairs and the same stub: ragas and inspect-ai, from PyPI.

Each gets an environment of its own, made once under the cache directory (`XDG_CACHE_HOME`, ~/.cache), and its own
natural way of writing a prompt; the stub answers after 100 ms what the tool expects. Like the bare loop, they keep
their results in memory; ours are in the database.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure, at_least, plain
from tests.bench.measured.throughput import DELAY_MS, judge_round, write_pairs
from tests.bench.stack import Stack

_IN_FLIGHT, _COUNT = 16, 800
_INSTALL_SECONDS, _RUN_SECONDS = 900, 300


@dataclass(frozen=True, slots=True)
class _Peer:
    """A tool: what pip installs, the script that drives it, and what the stub says to it."""

    name: str
    script: str
    requirements: tuple[str, ...]
    stub: dict[str, Any] = field(default_factory=dict)


_PEERS = (
    _Peer(
        "ragas",
        "peer_ragas.py",
        ("ragas>=0.3,<0.4", "langchain-openai<1", "langchain-community<0.4"),
        {"text": '{"reason": "because the stub says so", "score": 3}'},
    ),
    _Peer("inspect-ai", "peer_inspect.py", ("inspect-ai>=0.3", "openai>=2")),
)


def measure(stack: Stack, name: str) -> list[Figure]:
    """Run a tool, and a round of ours right after it, at 16 in flight."""
    peer = next(peer for peer in _PEERS if peer.name == name)
    pairs = write_pairs(stack)
    with stack.cluster() as cluster:
        python = _installed(stack, peer)
        theirs = _run(stack, peer, python, pairs)
        ours = judge_round(stack, cluster, _COUNT, _IN_FLIGHT)
    pace, our_pace = theirs["calls"] / theirs["seconds"], ours["calls"] / ours["seconds"]
    cpu = 1000 * theirs["cpu_seconds"] / theirs["calls"]
    stack.say(f"{name} {theirs['version']}: {pace:.0f}/s, {cpu:.1f} ms CPU each; ours {our_pace:.0f}/s")
    label = f"{name} {theirs['version']}, {_IN_FLIGHT} in flight"
    return [
        plain(f"{label}: pairs", pace, "/s"),
        plain(f"{label}: CPU per pair", cpu, "ms"),
        at_least(f"{label}: ours after it", our_pace, "/s", pace, f"> {pace:.0f}"),
    ]


def _installed(stack: Stack, peer: _Peer) -> Path:
    """Return the Python of the tool's environment, made when it is missing; the stamp is written last."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = cache / "releval-bench" / peer.name
    python, stamp = place / "bin" / "python", place / "installed.json"
    wanted = json.dumps(peer.requirements)
    if not stamp.exists() or stamp.read_text() != wanted:
        stack.say(f"installing {', '.join(peer.requirements)} into {place}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True, timeout=_INSTALL_SECONDS)
        pip = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *peer.requirements]
        subprocess.run(pip, check=True, timeout=_INSTALL_SECONDS)
        stamp.write_text(wanted)
    return python


def _run(stack: Stack, peer: _Peer, python: Path, pairs: Path) -> dict[str, Any]:
    stack.stub.reset()
    stack.stub.script(delay_ms=DELAY_MS, **peer.stub)
    script = Path(__file__).with_name(peer.script)
    done = subprocess.run(
        [python, script, stack.stub.base_url, pairs, str(_COUNT), str(_IN_FLIGHT)],
        stdout=subprocess.PIPE,
        env={**os.environ, "RAGAS_DO_NOT_TRACK": "true", "PYTHONWARNINGS": "ignore"},
        check=True,
        timeout=_RUN_SECONDS,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if result["scored"] != _COUNT:
        raise RuntimeError(f"{peer.name} scored {result['scored']} of {_COUNT} pairs")
    return {**result, "calls": _COUNT}
