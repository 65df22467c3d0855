"""The vendor's own SDK, unmodified, against this server: each version in an environment of its own."""

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Any

import pytest

from judging.models import Evaluator, User
from tests.draining import drain
from tests.factories import make_token
from tests.responses.conftest import MakeJudge, create, pairs

HERE = Path(__file__).parent
VERSIONS = ["1.13.0", "1.9.1", "1.15.0"]

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def environment(version: str) -> Path:
    """Return the Python of an environment with this SDK, made on first use and kept with the project's own.

    Names hold the hashes of the locks, so a change of these makes others. Skip when the registry is away.
    What the versions depend on is the same and installed once, for all of them.
    """
    base = Path(sys.prefix) / "sdk"
    base.mkdir(exist_ok=True)
    with (base / "lock").open("w") as mutex:
        fcntl.flock(mutex, fcntl.LOCK_EX)
        shared = installed(base, "dependencies")
        own = installed(base, f"scorable-{version}")
    folder = own / "environment"
    if not folder.exists():
        venv.create(folder, with_pip=False)
        (packages,) = folder.glob("lib/python*/site-packages")
        (packages / "sdk.pth").write_text(f"{own / 'packages'}\n{shared / 'packages'}\n")
    return folder / "bin" / "python"


def installed(base: Path, name: str) -> Path:
    """Install what a lock says into a folder of its own, with the project's pip."""
    lock = HERE / f"{name}.lock"
    folder = base / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    if not folder.exists():
        making = base / "making"
        shutil.rmtree(making, ignore_errors=True)
        options = ["-q", "--no-compile", "--require-hashes", "--no-deps", "--target", str(making / "packages")]
        command = [sys.executable, "-m", "pip", "install", *options, "-r", str(lock)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
            pytest.skip(f"PyPI's {name} could not be installed: {reason[:300]}")
        making.rename(folder)
    return folder


@pytest.mark.parametrize("version", VERSIONS)
def test_the_sdk_creates_polls_and_lists_batches_and_runs_a_judge(
    version: str, live_server: Any, make_judge: MakeJudge, member: User, client: Any
) -> None:
    python = environment(version)
    judge = make_judge("First", "Second")
    earlier = [create(client, judge) for _ in range(4)]
    ids = [str(evaluator.pk) for evaluator in Evaluator.objects.filter(preset="")]
    bare = client.post("/v1/batch-executions/", {"evaluator_ids": ids, "inputs": pairs(1)}, format="json").json()
    drain()
    arguments = [live_server.url, make_token(member), str(judge.pk), bare["batch_execution_id"]]
    process = subprocess.Popen(
        [str(python), str(HERE / "client_script.py"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None:
        drain()
        time.sleep(0.05)
    output, errors = process.communicate()
    assert process.returncode == 0, errors[-3000:]
    seen = json.loads(output)
    count = 4 if version == "1.9.1" else 3
    assert seen["version"] == version
    assert seen["status_url"] == f"/v1/judges/batch-executions/{seen['batch_execution_id']}/"
    assert (seen["status"], seen["counts"]) == ("completed", [count, count, 0])
    assert [len(scores) for scores in seen["scores"]] == [2] * count
    assert all(0 <= score <= 1 for scores in seen["scores"] for score in scores)
    assert seen["echo"] == "What is the capital of country 0?"
    assert seen["walked"] == [seen["batch_execution_id"], *reversed(earlier)]
    assert seen["bare"].endswith(" and more")
    assert seen["all"] == len(earlier) + 2
    assert [name for name, _, _ in seen["run"]] == ["First", "Second"]
    assert seen["by_name"] == 2
    assert "A judge" in seen["judges"]
    assert seen["evaluators"] >= 14
    assert (seen["made"], seen["renamed"]) == ("Made by the SDK", "Renamed by the SDK")
    assert seen["changed"] == ["First again", "From the SDK: {{request}} {{response}}"]
    assert seen["logs"] == [["A judge", ["sdk-run"]]]
    assert seen["log"] == "First"
    assert seen["refused"] == "UnauthorizedException"
