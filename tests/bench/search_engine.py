"""A search engine that answers each request 50 ms later with hits of 5 kB in all: `python -m tests.bench.search_engine PORT`.

In a process of its own, so that its work is not the worker's. The answer depends on the query's number and size alone.
"""

import asyncio
import json
import re
import subprocess
import sys

from tests.bench.processes import ROOT
from tests.ports import free_port

DELAY_MS = 50
ANSWER_BYTES = 5_000
_DOCUMENTS = 20_000
_ASKED = re.compile(rb'size (\d+)".*"size": (\d+)')


class SearchEngine:
    """The engine as a process, while the block runs."""

    def __init__(self) -> None:
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "SearchEngine":
        command = [sys.executable, "-m", __name__, str(self.port)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self._process.stdout.readline()
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.communicate()


def answer(number: int, size: int) -> bytes:
    hits = []
    for rank in range(size):
        document = (number * 7 + rank * 13) % _DOCUMENTS
        text = (f"word d{document} " * (ANSWER_BYTES // size // 7))[: ANSWER_BYTES // size - 80]
        source = {"title": f"Title {document}", "text": text}
        hits.append({"_id": f"d{document}", "_score": 1.0 - rank / 1_000, "_source": source})
    return json.dumps({"hits": {"total": {"value": 1_000}, "hits": hits}}).encode()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(re.findall(rb"(?i)content-length: *(\d+)", head)[0])
            asked = _ASKED.search(await reader.readexactly(length))
            assert asked is not None
            body = answer(int(asked[1]), int(asked[2]))
            await asyncio.sleep(DELAY_MS / 1000)
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _main(port: int) -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
