# locust-plugins: several sessions for one user, in turn, of both clients.
# compat: -u 2 -r 100 -t 3s --pool_size 3
# compat exit: 0
from _notes import note
from locust import FastHttpUser, HttpUser, constant, task
from locust_plugins.connection_pools import FastHttpPool, ForceNewRequestObj, RequestPool


class Visitor(HttpUser):
    wait_time = constant(1000)

    @task
    def ask(self):
        pool = RequestPool(user=self)
        note(len({id(session) for session in pool._pool}))
        for _ in range(4):
            pool.get("/echo")
        with pool.rename_request("renamed"):
            pool.post("/echo", "text")
        ForceNewRequestObj(user=self).get("/echo", name="alone")


class Fast(FastHttpUser):
    wait_time = constant(1000)

    @task
    def ask(self):
        pool = FastHttpPool(user=self)
        note(len({id(session) for session in pool._pool}))
        for _ in range(4):
            pool.get("/echo", name="fast")
        with pool.rename_request("fast renamed"):
            pool.post("/echo", "text")
