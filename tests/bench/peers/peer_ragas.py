"""Drive ragas: `python peer_ragas.py BASE_URL PAIRS COUNT IN_FLIGHT`, with the Python of its own environment."""

import importlib.metadata
import json
import math
import sys
import time

from langchain_openai import ChatOpenAI
from ragas import EvaluationDataset, RunConfig, SingleTurnSample, evaluate
from ragas.llms import LangchainLLMWrapper
from ragas.metrics import SimpleCriteriaScore


def main() -> None:
    base_url, path, count, in_flight = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    with open(path, encoding="utf-8") as file:
        pairs = json.load(file)
    chat = ChatOpenAI(base_url=base_url, api_key="none", model="stub-model", temperature=0, max_retries=0)
    samples = [
        SingleTurnSample(user_input=pair["query"], response=f"{pair['title']} {json.dumps(pair['fields'])}")
        for pair in (pairs[index % len(pairs)] for index in range(count))
    ]
    metric = SimpleCriteriaScore(
        name="relevance",
        definition="Score 0 to 4: how relevant is the response, a product, to the user's query?",
    )
    started, cpu = time.perf_counter(), time.process_time()
    result = evaluate(
        EvaluationDataset(samples=samples),
        metrics=[metric],
        llm=LangchainLLMWrapper(chat),
        run_config=RunConfig(max_workers=in_flight, max_retries=1),
        show_progress=False,
    )
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    scored = sum(not math.isnan(value) for value in result["relevance"])
    version = importlib.metadata.version("ragas")
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "scored": scored, "version": version}))


if __name__ == "__main__":
    main()
