"""Basic authentication over real sockets: who gets in, at what cost, and what is kept."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor

import bcrypt
import pytest

from exporter.web.basic_auth import _Login, _Verdicts
from exporter.web.login_queue import MOST_WAITING
from tests.web.sites import REFUSED, TLS, ask, basic, bcrypt_hash, client_auth


@pytest.fixture
def users():
    """Two users, whose hashes no other test has seen."""
    return {"alice": bcrypt_hash("right"), "björn": bcrypt_hash("pässword: with colon")}


@pytest.fixture
def checks(monkeypatch):
    """Every bcrypt check that is made, as password and hash, in order."""
    made: list[tuple[bytes, bytes]] = []
    real = bcrypt.checkpw

    def counting(password: bytes, hashed: bytes) -> bool:
        made.append((password, hashed))
        return real(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", counting)
    return made


def header(value: bytes) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(value).decode()}


def test_every_page_needs_a_login(serve, users):
    """With users, each page, each path that is none and each method answers 401 without a login."""
    site = serve(basic_auth_users=users)
    for path in ("/", "/metrics", "/-/healthy", "/-/ready", "/nothing", "/-/reload"):
        for method in ("GET", "POST"):
            assert site.get(path, method=method).status == 401, path
    answer = site.get("/metrics")

    assert answer.headers["www-authenticate"] == 'Basic realm="quantconnect-exporter", charset="UTF-8"'
    assert answer.body == b"Unauthorized\n"


def test_right_password(serve, users):
    """A user gets in with the password of the hash: several users, colons and letters beyond ASCII too."""
    site = serve(basic_auth_users=users)

    assert site.get("/metrics", basic("alice", "right")).status == 200
    assert site.get("/metrics", basic("björn", "pässword: with colon")).status == 200
    assert site.get("/nothing", basic("alice", "right")).status == 404
    lower = {"authorization": basic("alice", "right")["Authorization"].replace("Basic", "bAsIc")}
    assert site.get("/metrics", lower).status == 200


def test_wrong_logins(serve, users):
    """A wrong password, another's, an unknown user, an empty one and what is no such header answer 401."""
    site = serve(basic_auth_users=users)
    wrong = [
        basic("alice", "wrong"),
        basic("alice", ""),
        basic("alice", "right "),
        basic("alice", "pässword: with colon"),
        basic("Alice", "right"),
        basic("carol", "right"),
        basic("", ""),
        basic("alice", users["alice"]),
        header(b"alice"),
        header(b"alice:right\0right"),  # bcrypt cannot tell it from "right"
        header(b"\xff\xfe:right"),
        header(b""),
        {"Authorization": ""},
        {"Authorization": "Basic"},
        {"Authorization": "Basic !!!!"},
        {"Authorization": basic("alice", "right")["Authorization"] + "!"},
        {"Authorization": "Basic YWxpY2U6cmlnaHQ"},  # its padding is missing
        {"Authorization": basic("alice", "right")["Authorization"].replace("Basic", "Bearer")},
        {**basic("alice", "right"), "authorization": "Basic"},
    ]
    for headers in wrong:
        answer = site.get("/metrics", headers)
        assert (answer.status, answer.body) == (401, b"Unauthorized\n"), headers
        assert "www-authenticate" in answer.headers


def test_unknown_user_costs_what_a_wrong_password_does(serve, checks):
    """A known and an unknown user both cost one check at the same cost factor, whatever that is."""
    site = serve(basic_auth_users={"alice": bcrypt_hash("right"), "bob": bcrypt_hash("x")})
    site.get(headers=basic("alice", "wrong"))
    site.get(headers=basic("carol", "wrong"))
    (_, known), (_, unknown) = checks

    assert known == site_hash(site)
    assert unknown.split(b"$")[2] == known.split(b"$")[2] == b"04"
    assert unknown != known


def test_every_user_costs_the_same(serve, checks):
    """A user with a cheap hash costs what the costliest does: the steps of all checks add up to the same."""
    costs = {"alice": 4, "bob": 5, "carol": 7}
    hashes = {user: bcrypt.hashpw(b"right", bcrypt.gensalt(cost)).decode() for user, cost in costs.items()}
    site = serve(basic_auth_users=hashes)
    for user, password in (
        ("alice", "right"),
        ("alice", "wrong"),
        ("bob", "x"),
        ("carol", "x"),
        ("dave", "x"),
    ):
        checks.clear()
        site.get(headers=basic(user, password))
        assert sum(2 ** int(hashed.split(b"$")[2]) for _, hashed in checks) == 2**7, user


def test_unknown_user_never_gets_in(serve, monkeypatch, users):
    """The check of an unknown user is made for its cost alone: even a match would open nothing."""
    monkeypatch.setattr(bcrypt, "checkpw", lambda *_: True)
    site = serve(basic_auth_users=users)

    assert site.get(headers=basic("erin", "right")).status == 401


def site_hash(site) -> bytes:
    text = site.folder.file.read_text()
    return text.split("alice: ")[1].split("\n")[0].strip("'\"").encode()


def test_result_is_kept(serve, checks, users):
    """A login that was checked is not checked again, be it right, wrong or of an unknown user."""
    site = serve(basic_auth_users=users)
    for user, password, status in (("alice", "right", 200), ("alice", "wrong", 401), ("dave", "right", 401)):
        checks.clear()
        assert [site.get(headers=basic(user, password)).status for _ in range(3)] == [status] * 3
        assert len(checks) == 1


def test_changed_hash_is_checked_anew(serve, checks, users):
    """When a user's hash changes the old password gets nobody in any more, and the new one does."""
    site = serve(basic_auth_users=users)
    assert site.get(headers=basic("alice", "right")).status == 200
    assert site.get(headers=basic("alice", "new")).status == 401
    site.folder.write(basic_auth_users={"alice": bcrypt_hash("new")})

    assert site.get(headers=basic("alice", "right")).status == 401
    assert site.get(headers=basic("alice", "new")).status == 200
    assert len(checks) == 4


def test_users_come_and_go_on_a_kept_connection(serve, users):
    """Each request asks the users of its moment: a kept connection outlives no right to read."""
    site = serve(basic_auth_users=users)
    kept = site.connect()
    assert ask(kept, headers=basic("alice", "right")).status == 200
    site.folder.write(basic_auth_users={"bob": bcrypt_hash("right")})
    assert ask(kept, headers=basic("alice", "right")).status == 401
    site.folder.write(http_server_config={"http2": False})
    assert ask(kept).status == 200
    site.folder.write(basic_auth_users=users)
    assert ask(kept).status == 401
    kept.close()


def test_broken_change_keeps_the_users(serve, users):
    """While the file is broken, the users of the last good one get in, and nobody else."""
    site = serve(basic_auth_users=users)
    site.folder.write(basic_auth_users={"bob": "no hash"})

    assert site.get(headers=basic("alice", "right")).status == 200
    assert site.get().status == 401


def test_password_beyond_72_bytes_is_refused(serve, checks):
    """Only 72 bytes count in bcrypt: a longer password is refused without a check, though its beginning is right."""
    longest = "é" * 36
    site = serve(basic_auth_users={"alice": bcrypt_hash(longest)})
    assert site.get(headers=basic("alice", longest)).status == 200
    checks.clear()

    assert site.get(headers=basic("alice", longest + "x")).status == 401
    assert site.get(headers=basic("carol", longest + "x")).status == 401
    assert checks == []


def test_flood_of_wrong_logins_delays_no_known_one(serve, monkeypatch, users):
    """While many wrong logins wait for their checks, one of which runs at a time, a scrape is answered."""
    site = serve(basic_auth_users=users)
    assert site.get("/metrics", basic("alice", "right")).status == 200
    started, release, running, most = threading.Event(), threading.Event(), [], []
    real = bcrypt.checkpw

    def slow(password: bytes, hashed: bytes) -> bool:
        running.append(password)
        most.append(len(running))
        started.set()
        release.wait(10)
        running.remove(password)
        return real(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", slow)
    with ThreadPoolExecutor(60) as strangers:
        statuses = [
            strangers.submit(lambda n=n: site.get("/metrics", basic("alice", f"wrong{n}")).status)
            for n in range(60)
        ]
        assert started.wait(10)
        assert [site.get("/metrics", basic("alice", "right")).status for _ in range(5)] == [200] * 5
        assert running
        release.set()
        answered = [each.result() for each in statuses]
    assert set(answered) == {401, 503}
    assert answered.count(503) == 60 - MOST_WAITING - 1
    assert set(most) == {1}


def test_one_login_asked_for_many_times_at_once_is_checked_once(serve, checks, users):
    """Requests that wait for the check of the same login share its result."""
    site = serve(basic_auth_users=users)
    with ThreadPoolExecutor(20) as clients:
        answers = clients.map(lambda _: site.get(headers=basic("alice", "right")).status, range(20))
        assert set(answers) == {200}
    assert len(checks) == 1


def test_results_are_bounded_and_wrong_ones_push_out_no_right_one(users):
    """However many wrong logins come, a bounded number is kept, and every right one."""
    verdicts = _Verdicts()
    right = verdicts.key(_Login("alice", b"right"), users["alice"])
    verdicts.put(right, verdict=True)
    for number in range(5000):
        verdicts.put(verdicts.key(_Login("alice", b"%d" % number), users["alice"]), verdict=False)

    assert verdicts.get(right) is True
    assert sum(len(keys) for keys in verdicts._kept.values()) == 1001


def test_last_used_result_stays(users):
    """What makes room is what was not used for the longest time."""
    verdicts = _Verdicts()
    keys = [verdicts.key(_Login("alice", b"%d" % number), users["alice"]) for number in range(1001)]
    for key in keys[:1000]:
        verdicts.put(key, verdict=False)
    assert verdicts.get(keys[0]) is False
    verdicts.put(keys[1000], verdict=False)

    assert verdicts.get(keys[0]) is False
    assert verdicts.get(keys[1]) is None


def test_kept_results_hold_no_password_and_no_plain_hash_of_one(users):
    """What is kept is 32 bytes that differ from process to process, and between every part of a login."""
    one, other = _Verdicts(), _Verdicts()
    logins = [
        (_Login("alice", b"right"), users["alice"]),
        (_Login("alic", b"eright"), users["alice"]),
        (_Login("alice", b"right"), users["björn"]),
        (_Login("alice", b"wrong"), users["alice"]),
    ]
    keys = {verdicts.key(login, hashed) for verdicts in (one, other) for login, hashed in logins}

    assert len(keys) == 8
    assert {len(key) for key in keys} == {32}
    assert one.key(*logins[0]) == one.key(*logins[0])


def test_login_comes_on_top_of_a_client_certificate(serve, make_client, authority, users):
    """With both asked for, a certificate without a login is 401, and a login without one gets nowhere."""
    site = serve(tls_server_config=client_auth("RequireAndVerifyClientCert"), basic_auth_users=users)
    trusted, without = make_client(authority.issue_cert("prometheus")), make_client()

    assert site.get(headers=basic("alice", "right"), tls=trusted).status == 200
    assert site.get(tls=trusted).status == 401
    with pytest.raises(REFUSED):
        site.get(headers=basic("alice", "right"), tls=without)


def test_no_hash_and_no_password_in_the_log(serve, caplog, users):
    """Neither right nor wrong logins, nor a broken change of the users, put a secret into the log."""
    caplog.set_level("DEBUG")
    site = serve(basic_auth_users=users, tls_server_config=TLS)
    with pytest.raises(ConnectionError):
        site.get(headers=basic("alice", "right"))
    site.folder.write(basic_auth_users={"alice": "$2y$10$secret", "$2y$10$reversed": "alice"})
    with pytest.raises(ConnectionError):
        site.get(headers=basic("alice", "right"))
    logged = "\n".join(str(vars(record)) for record in caplog.records)

    assert "broken" in logged
    for secret in (*users.values(), "right", "$2y$", "reversed"):
        assert secret not in logged
