"""Jobs: their names, and their form as lines."""

from results.store import codec
from scanner.scale.job import Job, KnownResolver, Stage


def test_names() -> None:
    assert Job(Stage.PART, 17, "RUN", {}).name == "part 17"
    assert Job(Stage.PART, 17, "RUN", {}, again=2).name == "part 17, retry pass 2"


def test_a_job_as_a_line() -> None:
    job = Job(
        Stage.JUDGE, 1, "RUN", {"rate": 5}, resolver=KnownResolver((("127.0.0.1", 53),), validated=True, label="x")
    )
    assert codec.decode(Job, codec.encode(job)) == job
