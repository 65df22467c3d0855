"""How clusters share the queue."""

from datetime import timedelta

import pytest
from django_q.brokers import Broker, get_broker
from django_q.conf import Conf
from django_q.models import OrmQ

from judging.work import queue

pytestmark = [pytest.mark.django_db, pytest.mark.on_both]


@pytest.fixture(autouse=True)
def two_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Conf, "WORKERS", 2)
    monkeypatch.setattr(Conf, "POLL", 0.001)


def pull(broker: Broker) -> list[int]:
    return [task_id for task_id, _ in broker.dequeue() or ()]


def test_a_cluster_whose_workers_are_busy_leaves_new_tasks_to_other_hosts() -> None:
    busy, idle = get_broker(), get_broker()
    assert isinstance(busy, queue.SharingBroker)
    for lane_id in range(1, 5):
        queue.enqueue_slice(lane_id)
    assert len(pull(busy) + pull(busy)) == 2
    assert pull(busy) == []
    assert len(pull(idle) + pull(idle)) == 2


def test_a_finished_task_makes_room_for_the_next() -> None:
    broker = get_broker()
    for lane_id in range(1, 4):
        queue.enqueue_slice(lane_id)
    first, _ = pull(broker) + pull(broker)
    assert pull(broker) == []
    broker.acknowledge(first)
    assert len(pull(broker)) == 1


def test_a_task_that_nobody_else_takes_is_pulled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = get_broker()
    for lane_id in range(1, 4):
        queue.enqueue_slice(lane_id)
    pull(broker), pull(broker)
    assert pull(broker) == [], "its workers may have been killed over the first two, or be busy"
    monkeypatch.setattr(queue, "_LEFT_TO_OTHERS", timedelta(0))
    (third,) = pull(broker)
    assert OrmQ.objects.filter(pk=third).exists()
