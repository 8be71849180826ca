import os

from gevent.event import Event
from locust import constant, task
from locust.contrib.socketio import SocketIOUser

URL = f"http://127.0.0.1:{os.environ['COMPAT_SOCKETIO']}"


class Talker(SocketIOUser):
    wait_time = constant(1000)
    options = {"reconnection": False}

    @task
    def work(self):
        answered = Event()
        self.sio.on("heard", lambda text: answered.set() if text == "ALOUD" else None)
        self.sio.connect(URL, transports=["websocket"], wait_timeout=5)
        assert self.sio.call("add", [1, 2, 3]) == 6
        self.sio.emit("shout", "aloud")
        assert answered.wait(5)
        self.sio.send("a message", name="a name")
        self.sio.on("heard", None)
        del self.sio.handlers["/"]["heard"]
        self.sio.emit("shout", "again")


class Refused(SocketIOUser):
    wait_time = constant(1000)
    options = {"reconnection": False}

    @task
    def work(self):
        self.sio.connect(URL, auth={"password": "wrong"}, transports=["websocket"], wait_timeout=5)
        self.sio.emit("shout", {"to": "nobody", "what": "anything"})
