"""What is wrong in a locustfile is found before it runs: each line that ends in `# E` with what is said of it."""

from tidal import Environment, FastHttpUser, HttpUser, SequentialTaskSet, between, constant, events, tag, task
from tidal.clients import HttpSession, Response


class Wrong(HttpUser):
    """Over requests."""

    wait_time = between("1", 3)  # E: Argument 1 to "between" has incompatible type "str"
    host = 5  # E: Incompatible types in assignment

    @task("3")  # E: No overload variant of "task" matches argument type "str"
    def weighted(self) -> None:
        """A weight is a number."""

    @task
    def ask(self) -> None:
        """The client and its responses."""
        self.client.gett("/")  # E: "HttpSession" has no attribute "gett"
        self.client.get("/", nmae="x")  # E: Unexpected keyword argument "nmae"
        self.client.get("/", name=5)  # E: Argument "name"
        self.client.get(5)  # E: Argument 1 to "get"
        response = self.client.get("/")
        response.statuscode  # E: has no attribute "statuscode"
        response.status_code + "x"  # E: Unsupported operand types for +
        with self.client.get("/", catch_response=True) as caught:
            caught.fail("no")  # E: has no attribute "fail"
        with self.rest("GET", "/") as answer:
            answer.jss  # E: has no attribute "jss"
        self.environments  # E: has no attribute "environments"

    @tag  # E: Argument 1 to "tag" has incompatible type
    @task
    def tagged(self) -> None:  # E: "self" parameter missing
        """A tag has a name."""


class Fast(FastHttpUser):
    """Over the fast client."""

    @task
    def ask(self) -> None:
        """The same."""
        self.client.pst("/")  # E: "FastHttpSession" has no attribute "pst"
        self.client.get("/").status_code.upper()  # E: "int" has no attribute "upper"
        self.client.get("/").statuscode  # E: has no attribute "statuscode"


class Steps(SequentialTaskSet):
    """A set whose client is known."""

    client: HttpSession

    @task
    def leave(self) -> None:
        """Leave."""
        self.interupt()  # E: "Steps" has no attribute "interupt"
        helper(self.client)  # E: Argument 1 to "helper" has incompatible type "HttpSession"


def helper(response: Response) -> int:
    """What takes a response can say so."""
    return response.text  # E: Incompatible return value type


@events.test_strat.add_listener  # E: "Events" has no attribute "test_strat"
def listen(environment: Environment) -> None:
    """No such hook."""


@events.test_start.add_listener
def heard(environment: Environment) -> None:
    """A listener keeps its type."""


heard(5)  # E: Argument 1 to "heard" has incompatible type "int"
constant(None)  # E: Argument 1 to "constant" has incompatible type "None"
