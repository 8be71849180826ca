import os

import dns.message
import dns.rdatatype
from locust import constant, task
from locust.contrib.dns import DNSUser

PORT = int(os.environ["COMPAT_DNS"])


class Resolver(DNSUser):
    wait_time = constant(1000)

    @task
    def work(self):
        answer = self.ask("known.test")
        assert str(answer.answer[0][0]) == "192.0.2.7"
        assert not self.ask("empty.test", name="empty").answer
        assert self.ask("silent.test", name="silent", timeout=0.3) is None
        self.client.tcp(dns.message.make_query("known.test", "A"), "127.0.0.1", port=1)  # nobody there

    def ask(self, name_asked, **more):
        message = dns.message.make_query(name_asked, dns.rdatatype.A)
        return self.client.udp(message, "127.0.0.1", port=PORT, **more)
