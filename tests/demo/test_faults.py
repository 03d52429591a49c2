from exporter.demo.faults import Fault, Faults, RecordedRequest, RequestLog


def test_faults_are_aimed(client, ids):
    """Endpoint, project and user narrow a fault; removing or clearing lifts it."""
    faults = client.api.faults
    handle = faults.add(Fault(endpoint="live/read", project_id=ids["Coins"], status=500))
    assert client.post("live/read", projectId=ids["Coins"]).status_code == 500
    assert client.post("live/read", projectId=ids["FX Carry"]).status_code == 200
    assert client.post("live/portfolio/read", projectId=ids["Coins"]).status_code == 200
    faults.remove(handle)
    faults.remove(handle)
    assert client.post("live/read", projectId=ids["Coins"]).status_code == 200
    faults.add(Fault(user_id=client.api.accounts[1].user_id, status=502))
    assert client.post("authenticate").status_code == 200
    assert client.post("authenticate", client.api.accounts[1]).status_code == 502
    faults.clear()
    assert client.post("authenticate", client.api.accounts[1]).status_code == 200


def request(endpoint):
    return RecordedRequest(endpoint, user_id=1, project_id=2, parameters={}, received_at=0.0)


def test_oldest_fault_applies_until_it_is_used_up():
    """Of two that match the older applies, as often as it says, and then the younger without end."""
    faults = Faults()
    faults.add(Fault(status=500, times=2))
    faults.add(Fault(status=503))
    assert [faults.take(request("live/read")).status for _ in range(5)] == [500, 500, 503, 503, 503]


def test_other_requests_do_not_use_a_fault_up():
    """A fault that comes once waits for the request it is aimed at."""
    faults = Faults()
    once = Fault(endpoint="live/read", times=1)
    faults.add(once)
    asked = ("live/list", "live/read", "live/read")
    assert [faults.take(request(endpoint)) for endpoint in asked] == [None, once, None]


def test_request_log_forgets_the_oldest():
    """Fifty thousand requests are kept, the latest, so that a demo may run for weeks."""
    log = RequestLog()
    log.append(request("authenticate"))
    for _ in range(50_000 - 1):
        log.append(request("live/read"))
    assert (len(log), log[0].endpoint) == (50_000, "authenticate")
    log.append(request("live/list"))
    assert (len(log), log[0].endpoint, log[-1].endpoint) == (50_000, "live/read", "live/list")
