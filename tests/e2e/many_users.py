"""Many users with a connection each, three requests from each: prints what came of them, as JSON.

python many_users.py fast|http USERS PORT
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402 - after the patch
import resource  # noqa: E402 - as above
import sys  # noqa: E402 - as above

import gevent  # noqa: E402 - as above
from gevent.pool import Pool  # noqa: E402 - as above

from tidal import FastHttpUser, HttpUser, task  # noqa: E402 - as above
from tidal.generator.environment import Environment  # noqa: E402 - as above
from tidal.hooks import Events  # noqa: E402 - as above


def main() -> None:
    """All connect before anybody asks again."""
    kind, users, port = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, users + 200), hard))

    class Visitor(FastHttpUser if kind == "fast" else HttpUser):  # type: ignore[misc] # decided just now
        """Asks for one page."""

        host = f"http://127.0.0.1:{port}"

        @task
        def page(self) -> None:
            """One request."""
            self.client.get("/")

    environment = Environment(user_classes=[Visitor], events=Events())
    failures: list[str] = []
    environment.events.request.add_listener(lambda exception, **_: failures.append(repr(exception)) if exception else 0)
    everybody = [Visitor(environment) for _ in range(users)]
    for _ in range(3):
        turn = Pool(200)
        for user in everybody:
            turn.spawn(user.client.get, "/")
        turn.join()
        gevent.idle()
    print(json.dumps({"failures": failures[:3]}))


if __name__ == "__main__":
    main()
