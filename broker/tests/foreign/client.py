"""Runs scenarios against an AMQP broker with pika, and prints one line of JSON for each.

    python3 client.py amqp://guest:guest@127.0.0.1:5672/VHOST [SCENARIO...]

What is printed is comparable: nothing in it depends on time, on names that the broker makes up, or on the
virtual host. `client.cjs` does the same with amqplib, and prints the same.
"""

import datetime
import decimal
import hashlib
import json
import re
import sys
import time

import pika
from pika import exceptions
from pika.spec import BasicProperties

DEADLINE = 20
CAPABILITIES = [
    "authentication_failure_close",
    "basic.nack",
    "connection.blocked",
    "consumer_cancel_notify",
    "direct_reply_to",
    "per_consumer_qos",
    "publisher_confirms",
]

URL = sys.argv[1]
VIRTUAL_HOST = pika.URLParameters(URL).virtual_host
SCENARIOS = {}


def scenario(run):
    SCENARIOS[run.__name__.replace("_", "-")] = run
    return run


# --- what scenarios are made of ---------------------------------------------------------------------


def connect(**changes):
    parameters = pika.URLParameters(URL)
    for name, value in changes.items():
        setattr(parameters, name, value)
    return pika.BlockingConnection(parameters)


def declare(channel, queue, durable=True, **arguments):
    arguments = {name.replace("_", "-"): value for name, value in arguments.items()}
    return channel.queue_declare(queue, durable=durable, arguments=arguments).method


def publish(channel, queue, *bodies, exchange="", **properties):
    for body in bodies:
        channel.basic_publish(exchange, queue, body.encode(), BasicProperties(**properties))


def ready(channel, queue):
    """How many messages are in the queue and delivered to nobody."""
    return channel.queue_declare(queue, passive=True).method.message_count


def wait(connection, what, state):
    """Serves the connection until the state is there."""
    until = time.monotonic() + DEADLINE
    while True:
        reached = state()
        if reached:
            return reached
        if time.monotonic() > until:
            raise TimeoutError(f"waited {DEADLINE} s in vain for {what}")
        connection.process_data_events(time_limit=0.01)


class Consumer:
    """Keeps what a consumer is given."""

    def __init__(self, channel, queue, **options):
        self.channel, self.deliveries = channel, []
        self.tag = channel.basic_consume(queue, self._take, **options)

    def _take(self, _channel, method, properties, body):
        self.deliveries.append((method, properties, body.decode()))

    def count(self, count):
        """The deliveries, once there are so many."""
        wait(
            self.channel.connection,
            f"{count} deliveries",
            lambda: len(self.deliveries) >= count,
        )
        return self.deliveries

    def bodies(self, count):
        return [body for _, _, body in self.count(count)]


def get(channel, queue):
    """The next message of a queue, acknowledged, once there is one."""

    def message():
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        return method and (method, properties, body.decode())

    return wait(channel.connection, f"a message in {queue}", message)


def drain(channel, queue):
    """The bodies that are in a queue now."""
    bodies = []
    while True:
        method, _, body = channel.basic_get(queue, auto_ack=True)
        if method is None:
            return bodies
        bodies.append(body.decode())


def refusal(error):
    """What the broker said when it closed a channel or a connection."""
    reach = (
        "channel"
        if isinstance(error, exceptions.ChannelClosedByBroker)
        else "connection"
    )
    text = error.reply_text.replace(f"'{VIRTUAL_HOST}'", "'/'")
    return {"closed": reach, "code": error.reply_code, "text": text}


def refused(call, *arguments, **named):
    """Calls, expects a refusal, and returns it."""
    try:
        call(*arguments, **named)
    except (
        exceptions.ChannelClosedByBroker,
        exceptions.ConnectionClosedByBroker,
    ) as error:
        return refusal(error)
    raise AssertionError("it was not refused")


def in_other_words(refusal):
    """A refusal without its text, where RabbitMQ 3 and 4 use different words."""
    return {"closed": refusal["closed"], "code": refusal["code"]}


def refused_later(channel):
    """Waits for the refusal of something that has no answer."""
    # pika tells of it only in answer to the next call
    reason = wait(channel.connection, "a refusal", lambda: channel._closing_reason)
    return refusal(reason)


def missing(connection, queue):
    """What the broker says about a queue that is not there; nothing while it is."""
    channel = connection.channel()
    try:
        channel.queue_declare(queue, passive=True)
        channel.close()
    except exceptions.ChannelClosedByBroker as error:
        return error.reply_code == 404 and refusal(error)


def deaths(properties):
    """The entries of x-death without their time."""
    entries = []
    for entry in properties.headers["x-death"]:
        assert isinstance(entry.pop("time"), datetime.datetime)
        entries.append(dict(sorted(entry.items())))
    return entries


def first_death(properties):
    return [
        properties.headers[f"x-first-death-{what}"]
        for what in ("exchange", "queue", "reason")
    ]


# --- connections ------------------------------------------------------------------------------------


@scenario
def connection():
    properties = {"product": "scenarios", "nested": {"list": [1, "two", True]}}
    client = connect(heartbeat=7, client_properties=properties)
    inner = client._impl
    result = {
        "heartbeat": inner.params.heartbeat,
        "frame_max": inner.params.frame_max,
        "channel_max": inner.params.channel_max,
        "capabilities": {
            name: inner.server_capabilities.get(name) for name in CAPABILITIES
        },
        "described": all(
            inner.server_properties.get(name)
            for name in ("product", "version", "platform")
        ),
    }
    client.close()
    result["closed"] = client.is_closed
    return result


@scenario
def no_heartbeats():
    client = connect(heartbeat=0)
    result = {"heartbeat": client._impl.params.heartbeat}
    client.close()
    return result


@scenario
def heartbeats():
    """An idle client that sends heartbeats is kept for more than three of them."""
    client = connect(heartbeat=1)
    channel = client.channel()
    declare(channel, "idle")
    until = time.monotonic() + 3.5
    while time.monotonic() < until:
        client.process_data_events(time_limit=0.1)
    publish(channel, "idle", "still here")
    body = get(channel, "idle")[2]
    client.close()
    return {"body": body}


@scenario
def refused_passwords():
    refusals = []
    for user, password in (("guest", "wrong"), ("nobody", "guest")):
        try:
            connect(credentials=pika.PlainCredentials(user, password))
            raise AssertionError("it was let in")
        except exceptions.ProbableAuthenticationError as error:
            # pika wraps what the broker said into words of its own
            code, text = re.search(r"\((\d+)\) '(.*)'", str(error)).groups()
            refusals.append([int(code), text])
    return {"refusals": refusals}


@scenario
def unknown_virtual_host():
    try:
        connect(virtual_host="nowhere")
        return {"let_in": True}
    except exceptions.ProbableAccessDeniedError:
        return {"let_in": False}


@scenario
def channels():
    client = connect()
    opened = [client.channel() for _ in range(50)]
    declare(opened[0], "many-channels")
    for number, channel in enumerate(opened):
        publish(channel, "many-channels", str(number))
    bodies = [get(opened[0], "many-channels")[2] for _ in opened]
    for channel in opened[1:]:
        channel.close()
    again = client.channel()
    result = {
        "bodies": sorted(map(int, bodies)) == list(range(50)),
        "left": ready(again, "many-channels"),
    }
    client.close()
    return result


@scenario
def a_refusal_leaves_other_channels():
    client = connect()
    other = client.channel()
    declare(other, "other")
    first = refused(client.channel().queue_declare, "not-there", passive=True)
    publish(other, "other", "lives")
    result = {"refusal": first, "body": get(other, "other")[2]}
    client.close()
    return result


@scenario
def blocked_notifications():
    """Whoever asks for them is not told without a reason."""
    told = []
    client = connect()
    client.add_on_connection_blocked_callback(lambda *_: told.append("blocked"))
    client.add_on_connection_unblocked_callback(lambda *_: told.append("unblocked"))
    channel = client.channel()
    channel.confirm_delivery()
    declare(channel, "unblocked")
    publish(channel, "unblocked", "a", "b", "c")
    bodies = drain(channel, "unblocked")
    client.close()
    return {"told": told, "bodies": bodies}


# --- publishing -------------------------------------------------------------------------------------


@scenario
def confirms():
    client = connect()
    channel = client.channel()
    channel.confirm_delivery()
    declare(channel, "confirmed")
    for number in range(20):
        publish(channel, "confirmed", str(number), delivery_mode=2)
    result = {"ready": ready(channel, "confirmed")}
    client.close()
    return result


@scenario
def returns():
    client = connect()
    channel = client.channel()
    channel.confirm_delivery()
    returned = []
    for exchange in ("", "amq.direct", "amq.topic"):
        try:
            channel.basic_publish(
                exchange,
                "nowhere",
                b"lost",
                BasicProperties(message_id="m"),
                mandatory=True,
            )
        except exceptions.UnroutableError as error:
            for message in error.messages:
                method = message.method
                returned.append(
                    [
                        method.reply_code,
                        method.reply_text,
                        method.exchange,
                        method.routing_key,
                        message.properties.message_id,
                        message.body.decode(),
                    ]
                )
    # what nobody wants and is not mandatory is confirmed
    publish(channel, "nowhere", "lost")
    client.close()
    return {"returned": returned}


@scenario
def large_body():
    body = b"".join(
        hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(32768)
    )
    client = connect()
    channel = client.channel()
    channel.confirm_delivery()
    declare(channel, "large")
    channel.basic_publish("", "large", body)
    channel.basic_publish("", "large", b"")
    _, _, received = channel.basic_get("large", auto_ack=True)
    _, _, empty = channel.basic_get("large", auto_ack=True)
    client.close()
    return {
        "length": len(received),
        "hash": hashlib.sha256(received).hexdigest(),
        "empty": len(empty),
    }


@scenario
def properties():
    """Every property, and headers of every type that the client knows, come back as they were sent."""
    headers = {
        "yes": True,
        "no": False,
        "small": 7,
        "negative": -40000,
        "wide": 1 << 45,
        "text": "grüße, 你好",
        "bytes": b"\x00\xff",
        "nothing": None,
        "money": decimal.Decimal("12.34"),
        "moment": datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.timezone.utc),
        "list": [1, "two", [3, None], {"four": 4}],
        "table": {"a": {"b": {"c": [True]}}},
        "empty-list": [],
        "empty-table": {},
    }
    sent = {
        "content_type": "text/plain",
        "content_encoding": "gzip",
        "headers": headers,
        "delivery_mode": 2,
        "priority": 3,
        "correlation_id": "correlation",
        "reply_to": "reply",
        "expiration": "60000",
        "message_id": "message",
        "timestamp": 1700000000,
        "type": "kind",
        "user_id": "guest",
        "app_id": "scenarios",
    }
    client = connect()
    channel = client.channel()
    declare(channel, "properties")
    publish(channel, "properties", "a", **sent)
    publish(channel, "properties", "b")
    _, received, _ = get(channel, "properties")
    _, bare, _ = get(channel, "properties")
    client.close()
    changed = [
        name for name, value in sent.items() if getattr(received, name) != value
    ]
    added = sorted(set(received.headers) - set(headers))
    present = [name for name in sent if getattr(bare, name) is not None]
    return {"changed": changed, "added": added, "present_in_bare": present}


@scenario
def refused_publications():
    results = {}
    for name, exchange, sent in (
        ("missing_exchange", "no-such-exchange", {}),
        ("not_a_number", "", {"expiration": "soon"}),
        ("wrong_user", "", {"user_id": "somebody"}),
    ):
        client = connect()
        channel = client.channel()
        publish(channel, "anywhere", "a", exchange=exchange, **sent)
        results[name] = refused_later(channel)
        client.close()
    return results


# --- consuming --------------------------------------------------------------------------------------


@scenario
def get_from_queue():
    client = connect()
    channel = client.channel()
    declare(channel, "gets")
    empty = channel.basic_get("gets")[0] is None
    publish(channel, "gets", "a", "b", "c")
    got = []
    for _ in range(2):
        method, _, body = channel.basic_get("gets")
        got.append(
            [
                body.decode(),
                method.delivery_tag,
                method.redelivered,
                method.message_count,
                method.exchange,
                method.routing_key,
            ]
        )
    channel.basic_nack(2, multiple=False, requeue=True)
    method, _, body = channel.basic_get("gets")
    again = [
        body.decode(),
        method.delivery_tag,
        method.redelivered,
        method.message_count,
    ]
    channel.basic_ack(0, multiple=True)
    result = {
        "empty": empty,
        "got": got,
        "again": again,
        "left": drain(channel, "gets"),
    }
    client.close()
    return result


@scenario
def prefetch():
    client = connect()
    channel = client.channel()
    declare(channel, "prefetched")
    publish(channel, "prefetched", *"abcde")
    channel.basic_qos(prefetch_count=2)
    consumer = Consumer(channel, "prefetched", consumer_tag="window")
    first = consumer.bodies(2)[:]
    waiting = [ready(channel, "prefetched")]
    channel.basic_ack(1)
    second = consumer.bodies(3)[:]
    waiting.append(ready(channel, "prefetched"))
    channel.basic_ack(3, multiple=True)
    third = consumer.bodies(5)[:]
    channel.basic_ack(0, multiple=True)
    tags = sorted({method.consumer_tag for method, _, _ in consumer.deliveries})
    result = {
        "first": first,
        "second": second,
        "third": third,
        "waiting": waiting,
        "tags": tags,
        "left": ready(channel, "prefetched"),
    }
    client.close()
    return result


@scenario
def acknowledgements():
    """Acknowledged, requeued one at a time and many, rejected: each comes again or does not."""
    client = connect()
    channel = client.channel()
    declare(channel, "acknowledged")
    publish(channel, "acknowledged", *"abcdef")
    got = {}
    for _ in range(6):
        method, _, body = channel.basic_get("acknowledged")
        got[body.decode()] = method.delivery_tag
    channel.basic_ack(got["a"])
    channel.basic_nack(got["b"], requeue=False)
    channel.basic_reject(got["c"], requeue=False)
    channel.basic_reject(got["d"], requeue=True)
    channel.basic_nack(got["f"], multiple=True, requeue=True)
    left = []
    for _ in range(3):
        method, _, body = channel.basic_get("acknowledged", auto_ack=True)
        left.append([body.decode(), method.redelivered])
    result = {"left": left, "empty": channel.basic_get("acknowledged")[0] is None}
    unknown = client.channel()
    unknown.basic_ack(99)
    result["unknown"] = refused_later(unknown)
    client.close()
    return result


@scenario
def recover():
    client = connect()
    channel = client.channel()
    declare(channel, "recovered")
    publish(channel, "recovered", "a", "b")
    consumer = Consumer(channel, "recovered")
    consumer.count(2)
    channel.basic_recover(requeue=True)
    deliveries = [
        [body, method.redelivered] for method, _, body in consumer.count(4)[2:]
    ]
    client.close()
    return {"redelivered": deliveries}


@scenario
def unacknowledged_messages_of_a_closed_connection_return():
    client, holder = connect(), connect()
    channel, holding = client.channel(), holder.channel()
    declare(channel, "returning")
    publish(channel, "returning", "a", "b")
    Consumer(holding, "returning").count(2)
    held = ready(channel, "returning")
    holder.close()
    wait(client, "both messages", lambda: ready(channel, "returning") == 2)
    back = []
    for _ in range(2):
        method, _, body = channel.basic_get("returning", auto_ack=True)
        back.append([body.decode(), method.redelivered])
    client.close()
    return {"held": held, "back": back}


@scenario
def a_consumer_is_cancelled_when_its_queue_is_deleted():
    client = connect()
    channel = client.channel()
    declare(channel, "deleted")
    cancelled = []
    channel.add_on_cancel_callback(
        lambda frame: cancelled.append(frame.method.consumer_tag)
    )
    Consumer(channel, "deleted", consumer_tag="bereft")
    other = connect()
    publish(other.channel(), "deleted", "a")
    other.channel().queue_delete("deleted")
    other.close()
    wait(client, "the cancellation", lambda: cancelled)
    result = {"cancelled": cancelled, "usable": declare(channel, "deleted").queue}
    client.close()
    return result


@scenario
def cancel():
    client = connect()
    channel = client.channel()
    # without confirms a count may overtake what was published before it
    channel.confirm_delivery()
    declare(channel, "cancelled")
    publish(channel, "cancelled", "a")
    consumer = Consumer(channel, "cancelled")
    consumer.count(1)
    channel.basic_cancel(consumer.tag)
    publish(channel, "cancelled", "b")
    # what it holds stays with the channel, and can be acknowledged
    channel.basic_ack(1)
    result = {
        "left": ready(channel, "cancelled"),
        "consumers": declare(channel, "cancelled").consumer_count,
    }
    client.close()
    return result


@scenario
def refused_consumers():
    results = {}
    client = connect()
    channel = client.channel()
    declare(channel, "consumers")
    results["missing"] = refused(
        client.channel().basic_consume, "not-there", lambda *_: None
    )
    Consumer(channel, "consumers", exclusive=True)
    results["exclusive"] = refused(
        client.channel().basic_consume, "consumers", lambda *_: None
    )
    client.close()
    client = connect()
    channel = client.channel()
    Consumer(channel, "consumers")
    results["second_exclusive"] = refused(
        client.channel().basic_consume, "consumers", lambda *_: None, exclusive=True
    )
    client.close()
    return results


@scenario
def single_active_consumer():
    client = connect()
    one, two = client.channel(), client.channel()
    declare(one, "single", x_single_active_consumer=True)
    first, second = (
        Consumer(one, "single", auto_ack=True),
        Consumer(two, "single", auto_ack=True),
    )
    publish(one, "single", "a", "b")
    before = [first.bodies(2)[:], len(second.deliveries)]
    one.basic_cancel(first.tag)
    publish(two, "single", "c")
    after = second.bodies(1)
    client.close()
    return {"before": before, "after": after}


# --- exchanges --------------------------------------------------------------------------------------


def routed(client, exchange, bindings, messages):
    """Binds a queue for each binding, publishes, and tells what came into which."""
    channel = client.channel()
    queues = []
    for key, arguments in bindings:
        queue = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(queue, exchange, key, arguments)
        queues.append(queue)
    channel.confirm_delivery()
    for body, key, headers in messages:
        publish(channel, key, body, exchange=exchange, headers=headers)
    return [drain(channel, queue) for queue in queues]


@scenario
def direct_exchange():
    client = connect()
    channel = client.channel()
    channel.exchange_declare("direct", "direct")
    result = {}
    for exchange in ("direct", "amq.direct"):
        result[exchange] = routed(
            client,
            exchange,
            [("a", {}), ("b", {}), ("a", {})],
            [("1", "a", {}), ("2", "b", {}), ("3", "c", {})],
        )
    client.close()
    return result


@scenario
def topic_exchange():
    client = connect()
    client.channel().exchange_declare("topic", "topic", durable=True)
    keys = ["stock", "stock.usd", "stock.usd.nyse", "quick.orange.rabbit", "", "."]
    patterns = ["#", "*", "stock.*", "stock.#", "*.orange.*", "#.nyse", "stock", "*.*"]
    result = {}
    for exchange in ("topic", "amq.topic"):
        result[exchange] = routed(
            client,
            exchange,
            [(pattern, {}) for pattern in patterns],
            [(key, key, {}) for key in keys],
        )
    client.close()
    return result


@scenario
def fanout_exchange():
    client = connect()
    client.channel().exchange_declare("fanout", "fanout", auto_delete=True)
    result = {}
    for exchange in ("fanout", "amq.fanout"):
        result[exchange] = routed(
            client, exchange, [("", {}), ("ignored", {})], [("1", "x", {})]
        )
    client.close()
    return result


@scenario
def headers_exchange():
    client = connect()
    client.channel().exchange_declare("headers", "headers")
    bindings = [
        ("", {"x-match": "all", "kind": "mail", "size": 2}),
        ("", {"x-match": "any", "kind": "mail", "size": 2}),
        ("", {"kind": "mail"}),
        ("", {"x-match": "all"}),
        ("", {"x-match": "any", "kind": None}),
    ]
    messages = [
        ("both", "", {"kind": "mail", "size": 2}),
        ("one", "", {"kind": "mail"}),
        ("other", "", {"kind": "parcel", "size": 2}),
        ("none", "", {}),
    ]
    result = {}
    for exchange in ("headers", "amq.headers", "amq.match"):
        result[exchange] = routed(client, exchange, bindings, messages)
    client.close()
    return result


@scenario
def unbind():
    client = connect()
    channel = client.channel()
    declare(channel, "unbound")
    channel.queue_bind("unbound", "amq.topic", "a.*")
    channel.queue_bind("unbound", "amq.topic", "a.*")
    publish(channel, "a.1", "before", exchange="amq.topic")
    channel.queue_unbind("unbound", "amq.topic", "a.*")
    # a binding that is not there is not missed
    channel.queue_unbind("unbound", "amq.topic", "a.*")
    publish(channel, "a.2", "after", exchange="amq.topic")
    result = {"bodies": drain(channel, "unbound")}
    client.close()
    return result


@scenario
def refused_exchanges():
    results = {}
    client = connect()
    channel = client.channel()
    channel.exchange_declare("kept", "topic", durable=True)
    channel.exchange_declare("kept", passive=True)
    declare(channel, "bound")
    channel.queue_bind("bound", "kept", "#")
    for name, arguments, named in (
        ("missing", ("not-there",), {"passive": True}),
        ("other_type", ("kept", "direct"), {"durable": True}),
        ("not_durable", ("kept", "topic"), {}),
        ("reserved", ("amq.mine", "topic"), {}),
        ("default", ("", "direct"), {}),
    ):
        results[name] = refused(
            client.channel().exchange_declare, *arguments, **named
        )
    results["in_use"] = refused(
        client.channel().exchange_delete, "kept", if_unused=True
    )
    results["delete_default"] = refused(client.channel().exchange_delete, "")
    results["delete_standard"] = refused(
        client.channel().exchange_delete, "amq.direct"
    )
    results["bind_to_default"] = refused(
        client.channel().queue_bind, "bound", "", "key"
    )
    results["bind_missing_queue"] = refused(
        client.channel().queue_bind, "not-there", "kept", "key"
    )
    results["bind_missing_exchange"] = refused(
        client.channel().queue_bind, "bound", "not-there", "key"
    )
    # there is nothing wrong with deleting what is not there
    client.channel().exchange_delete("not-there")
    channel.exchange_delete("kept")
    # RabbitMQ 3 ends the connection, RabbitMQ 4 the channel
    results["unknown_type"] = bool(
        refused(client.channel().exchange_declare, "odd", "no-such-type")
    )
    return results


# --- queues -----------------------------------------------------------------------------------------


@scenario
def exclusive_queue():
    owner, other = connect(), connect()
    channel = owner.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue

    def named(refusal):
        # a text of more than 255 bytes is cut, and how long it is depends on the virtual host
        text = refusal["text"].split(". ")[0].replace(queue, "QUEUE")
        return {**refusal, "text": text}

    results = {
        "named_by_server": queue.startswith("amq.gen-"),
        "locked": named(refused(other.channel().queue_declare, queue, passive=True)),
        "locked_for_consumers": named(
            refused(other.channel().basic_consume, queue, lambda *_: None)
        ),
        "locked_for_deletion": named(refused(other.channel().queue_delete, queue)),
    }
    owner.close()

    gone = wait(other, "the queue's end", lambda: missing(other, queue))
    results["gone"] = named(gone)
    other.close()
    return results


@scenario
def auto_delete_queue():
    client = connect()
    channel = client.channel()
    channel.queue_declare("fleeting", auto_delete=True)
    consumer = Consumer(channel, "fleeting")
    channel.basic_cancel(consumer.tag)
    result = {"gone": wait(client, "the queue's end", lambda: missing(client, "fleeting"))}
    client.close()
    return result


@scenario
def counts():
    client = connect()
    channel = client.channel()
    channel.confirm_delivery()
    declare(channel, "counted")
    publish(channel, "counted", "a", "b", "c")
    declared = declare(channel, "counted")
    purged = channel.queue_purge("counted").method.message_count
    publish(channel, "counted", "d")
    consumer = Consumer(channel, "counted")
    consumer.count(1)
    passive = channel.queue_declare("counted", passive=True).method
    channel.basic_cancel(consumer.tag)
    channel.basic_nack(1, requeue=True)
    deleted = channel.queue_delete("counted").method.message_count
    client.close()
    return {
        "declared": [declared.queue, declared.message_count, declared.consumer_count],
        "purged": purged,
        "passive": [passive.message_count, passive.consumer_count],
        "deleted": deleted,
    }


@scenario
def refused_queues():
    results = {}
    client = connect()
    channel = client.channel()
    channel.confirm_delivery()
    declare(channel, "firm")
    declare(channel, "limited", x_message_ttl=60000, x_queue_type="quorum")
    publish(channel, "firm", "a")
    for name, queue, durable, arguments in (
        ("not_durable", "firm", False, {}),
        ("other_type", "firm", True, {"x-queue-type": "quorum"}),
        ("argument_added", "firm", True, {"x-max-length": 5}),
        ("argument_missing", "limited", True, {"x-queue-type": "quorum"}),
        (
            "argument_differs",
            "limited",
            True,
            {"x-queue-type": "quorum", "x-message-ttl": 1},
        ),
        ("unknown_type", "odd", True, {"x-queue-type": "odd"}),
        ("negative", "odd", True, {"x-message-ttl": -1}),
        ("wrong_type", "odd", True, {"x-max-length": "many"}),
        ("unknown_overflow", "odd", True, {"x-overflow": "spill"}),
        ("routing_key_alone", "odd", True, {"x-dead-letter-routing-key": "k"}),
        ("quorum_not_durable", "odd", False, {"x-queue-type": "quorum"}),
        ("stream_not_durable", "odd", False, {"x-queue-type": "stream"}),
        ("reserved", "amq.mine", True, {}),
    ):
        results[name] = refused(
            client.channel().queue_declare, queue, durable=durable, arguments=arguments
        )
    results["other_type"] = in_other_words(results["other_type"])
    results["missing"] = refused(
        client.channel().queue_declare, "not-there", passive=True
    )
    results["purge_missing"] = refused(client.channel().queue_purge, "not-there")
    results["get_missing"] = refused(client.channel().basic_get, "not-there")
    results["not_empty"] = refused(
        client.channel().queue_delete, "firm", if_empty=True
    )
    Consumer(channel, "firm")
    results["in_use"] = refused(client.channel().queue_delete, "firm", if_unused=True)
    # there is nothing wrong with deleting what is not there
    client.channel().queue_delete("not-there")
    client.close()
    return results


@scenario
def queue_ttl():
    """Messages expire in order, and go where the dead go."""
    client = connect()
    channel = client.channel()
    channel.confirm_delivery()
    declare(channel, "dead")
    declare(
        channel,
        "short-lived",
        x_message_ttl=20,
        x_dead_letter_exchange="",
        x_dead_letter_routing_key="dead",
    )
    publish(channel, "short-lived", "a", "b", message_id="m")
    method, properties, first = get(channel, "dead")
    second = get(channel, "dead")[2]
    client.close()
    return {
        "bodies": [first, second],
        "exchange": method.exchange,
        "routing_key": method.routing_key,
        "message_id": properties.message_id,
        "deaths": deaths(properties),
        "first": first_death(properties),
    }


@scenario
def message_ttl():
    """A message's own time: it is taken off, so that it does not expire again where the dead go."""
    client = connect()
    channel = client.channel()
    channel.confirm_delivery()
    declare(channel, "expired")
    channel.queue_bind("expired", "amq.fanout")
    declare(channel, "patient", x_dead_letter_exchange="amq.fanout")
    publish(channel, "patient", "a", expiration="20")
    publish(channel, "patient", "b")
    method, properties, body = get(channel, "expired")
    result = {
        "body": body,
        "exchange": method.exchange,
        "routing_key": method.routing_key,
        "expiration": properties.expiration,
        "deaths": deaths(properties),
        "left": drain(channel, "patient"),
    }
    client.close()
    return result


@scenario
def a_queue_without_use_expires():
    client = connect()
    channel = client.channel()
    declare(channel, "unused", x_expires=50)


    def gone():
        # asking is a use
        time.sleep(0.1)
        return missing(client, "unused")

    result = {"gone": wait(client, "the queue's end", gone)}
    client.close()
    return result


@scenario
def max_length():
    client = connect()
    channel = client.channel()
    channel.confirm_delivery()
    declare(channel, "overflow")
    declare(
        channel,
        "bounded",
        x_max_length=2,
        x_dead_letter_exchange="",
        x_dead_letter_routing_key="overflow",
    )
    publish(channel, "bounded", "a", "b", "c")
    _, properties, dropped = get(channel, "overflow")
    result = {
        "dropped": dropped,
        "deaths": deaths(properties),
        "left": drain(channel, "bounded"),
    }
    declare(channel, "bounded-bytes", x_max_length_bytes=10)
    publish(channel, "bounded-bytes", "12345", "67890", "abcde")
    wait(client, "the overflow", lambda: ready(channel, "bounded-bytes") == 2)
    result["left_of_bytes"] = drain(channel, "bounded-bytes")
    client.close()
    return result


@scenario
def reject_publish():
    client = connect()
    channel = client.channel()
    channel.confirm_delivery()
    result = {}
    for kind in ("classic", "quorum"):
        queue = f"full-{kind}"
        declare(
            channel,
            queue,
            x_queue_type=kind,
            x_max_length=1,
            x_overflow="reject-publish",
        )
        taken = 0

        def full():
            nonlocal taken
            try:
                publish(channel, queue, str(taken))
                taken += 1
                return False
            except exceptions.NackError:
                return True

        # a quorum queue tells its publishers a moment later that it is full
        wait(client, "a refusal", full)
        result[kind] = {
            "taken": 0 < taken < 3 if kind == "quorum" else taken,
            "first": get(channel, queue)[2],
        }
    client.close()
    return result


@scenario
def dead_letter_cycle():
    """Rejected twice, on the way through a queue that holds it for a moment: one entry for each queue."""
    client = connect()
    channel = client.channel()
    channel.confirm_delivery()
    declare(
        channel,
        "work",
        x_dead_letter_exchange="",
        x_dead_letter_routing_key="pause",
    )
    declare(
        channel,
        "pause",
        x_message_ttl=10,
        x_dead_letter_exchange="",
        x_dead_letter_routing_key="work",
    )
    publish(channel, "work", "a")
    consumer = Consumer(channel, "work")
    for attempt in (1, 2):
        consumer.count(attempt)
        channel.basic_reject(attempt, requeue=False)
    method, properties, body = consumer.count(3)[2]
    result = {
        "body": body,
        "redelivered": method.redelivered,
        "deaths": deaths(properties),
        "first": first_death(properties),
    }
    client.close()
    return result


@scenario
def delivery_limit():
    """A quorum queue gives up on a message after so many attempts."""
    client = connect()
    channel = client.channel()
    channel.confirm_delivery()
    declare(channel, "given-up", x_queue_type="quorum")
    declare(
        channel,
        "stubborn",
        x_queue_type="quorum",
        x_delivery_limit=2,
        x_dead_letter_exchange="",
        x_dead_letter_routing_key="given-up",
    )
    publish(channel, "stubborn", "a", delivery_mode=2)
    consumer = Consumer(channel, "stubborn")
    attempts = []
    for attempt in (1, 2, 3):
        method, properties, _ = consumer.count(attempt)[-1]
        attempts.append(
            [
                (properties.headers or {}).get("x-delivery-count"),
                method.redelivered,
            ]
        )
        channel.basic_nack(method.delivery_tag, requeue=True)
    _, properties, body = get(channel, "given-up")
    result = {
        "attempts": attempts,
        "body": body,
        "deaths": deaths(properties),
        "first": first_death(properties),
        "left": ready(channel, "stubborn"),
    }
    client.close()
    return result


# --- direct reply-to --------------------------------------------------------------------------------

REPLY_TO = "amq.rabbitmq.reply-to"


@scenario
def direct_reply_to():
    asking, answering = connect(), connect()
    asker, server = asking.channel(), answering.channel()
    declare(server, "questions")
    questions = Consumer(server, "questions", auto_ack=True)
    replies = Consumer(asker, REPLY_TO, auto_ack=True)
    for number in ("1", "2"):
        publish(asker, "questions", number, reply_to=REPLY_TO, correlation_id=number)
    told = []
    for _, properties, body in questions.count(2):
        told.append(properties.reply_to.startswith(f"{REPLY_TO}."))
        reply = BasicProperties(correlation_id=properties.correlation_id)
        server.basic_publish(
            "", properties.reply_to, f"reply to {body}".encode(), reply
        )
    received = []
    for method, properties, body in replies.count(2):
        received.append(
            [
                body,
                properties.correlation_id,
                method.exchange,
                method.redelivered,
                method.routing_key.startswith(f"{REPLY_TO}."),
            ]
        )
    address = questions.deliveries[0][1].reply_to
    present = server.queue_declare(address, passive=True).method.queue == address
    asker.close()
    gone = wait(
        answering, "the end of the reply queue", lambda: missing(answering, address)
    )
    # who is gone is not missed
    server.basic_publish("", address, b"late")
    result = {
        "told": told,
        "received": received,
        "present": present,
        "gone": gone["code"],
        "usable": ready(server, "questions"),
    }
    asking.close()
    answering.close()
    return result


@scenario
def refused_reply_to():
    results = {}
    client = connect()
    channel = client.channel()
    publish(channel, "anywhere", "a", reply_to=REPLY_TO)
    results["without_consumer"] = refused_later(channel)
    results["with_acknowledgements"] = refused(
        client.channel().basic_consume, REPLY_TO, lambda *_: None
    )
    channel = client.channel()
    Consumer(channel, REPLY_TO, auto_ack=True)
    results["twice"] = refused(
        channel.basic_consume, REPLY_TO, lambda *_: None, auto_ack=True
    )
    client.close()
    return results


# --- streams ----------------------------------------------------------------------------------------


@scenario
def stream():
    client = connect()
    channel = client.channel()
    channel.confirm_delivery()
    declare(channel, "log", x_queue_type="stream")
    publish(channel, "log", *(str(number) for number in range(10)))
    result = {}
    for name, offset in (
        ("first", "first"),
        ("number", 7),
        ("past", datetime.datetime(2020, 1, 1)),
        ("default", None),
        ("next", "next"),
    ):
        reader = client.channel()
        reader.basic_qos(prefetch_count=100)
        arguments = {} if offset is None else {"x-stream-offset": offset}
        consumer = Consumer(reader, "log", arguments=arguments)
        expected = {"number": 3, "default": 0, "next": 0}.get(name, 10)
        if not expected:
            publish(channel, "log", f"for {name}")
            expected = 1
        deliveries = consumer.count(expected)[:expected]
        result[name] = [
            [body, properties.headers["x-stream-offset"], method.redelivered]
            for method, properties, body in deliveries
        ]
        reader.close()
    client.close()
    return result


@scenario
def stream_window():
    """Acknowledgements move a reader's window, and take nothing from the stream."""
    client = connect()
    channel = client.channel()
    channel.confirm_delivery()
    declare(channel, "window", x_queue_type="stream")
    publish(channel, "window", *"abcdef")
    result = {}
    for reader in ("one", "two"):
        reading = client.channel()
        reading.basic_qos(prefetch_count=2)
        consumer = Consumer(
            reading, "window", arguments={"x-stream-offset": "first"}
        )
        for count in range(1, 7):
            consumer.count(count)
            reading.basic_ack(count)
        result[reader] = consumer.bodies(6)
        reading.close()
    client.close()
    return result


@scenario
def refused_streams():
    results = {}
    client = connect()
    channel = client.channel()
    declare(channel, "strict", x_queue_type="stream")
    results["without_prefetch"] = in_other_words(
        refused(client.channel().basic_consume, "strict", lambda *_: None)
    )
    results["exclusive"] = refused(
        client.channel().queue_declare,
        "mine",
        durable=True,
        exclusive=True,
        arguments={"x-queue-type": "stream"},
    )
    results["auto_delete"] = refused(
        client.channel().queue_declare,
        "mine",
        durable=True,
        auto_delete=True,
        arguments={"x-queue-type": "stream"},
    )
    client.close()
    # what a stream cannot do at all ends the connection
    results["get"] = refused(connect().channel().basic_get, "strict")
    results["purge"] = refused(connect().channel().queue_purge, "strict")
    reader = connect().channel()
    reader.basic_qos(prefetch_count=10)
    results["without_acknowledgements"] = in_other_words(
        refused(reader.basic_consume, "strict", lambda *_: None, auto_ack=True)
    )
    return results


def main():
    for name in sys.argv[2:] or SCENARIOS:
        try:
            outcome = SCENARIOS[name]()
        except Exception as error:  # the others go on
            outcome = {"failed": f"{type(error).__name__}: {error}"}
        line = {"scenario": name, **outcome}
        print(json.dumps(line, ensure_ascii=False), flush=True)


main()
