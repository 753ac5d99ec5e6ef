"""Who may reach whom, by the policies, and who should: exactly the calls between modules that the topology has, and
what INFRASTRUCTURE lists."""

import dataclasses

from .repository import Stop

# Who needs whom, at which port. `module` is every module, `keeper` every module that keeps something, `asker` whoever
# asks for names, `scraper` whoever reads metrics, `stranger` whoever is not of the shop. Where one of the two is not in
# an overlay the line says nothing.
INFRASTRUCTURE = [
    ("asker", "kube-dns", 53),
    ("stranger", "gateway", 8080),
    # what they were told where it is
    ("keeper", "postgres", 5432),
    ("config-server", "postgres", 5432),
    ("card-network", "postgres", 5432),
    ("migrate", "postgres", 5432),
    ("keeper", "rabbitmq", 5672),
    ("module", "config-server", 8888),
    ("payments", "card-network", 8600),
    ("module", "consul", 8500),
    ("module", "observatory", 4317),
    ("card-network", "observatory", 4317),
    # the command, which tells about all of the shop
    ("tools", "gateway", 8080),
    ("tools", "module", 9000),
    ("tools", "config-server", 8888),
    ("tools", "observatory", 16686),
    ("tools", "consul", 8500),
    ("shopper", "gateway", 8080),
    # metrics
    ("scraper", "module", 9000),
    ("scraper", "config-server", 8888),
    ("scraper", "card-network", 8600),
    ("scraper", "observatory", 16686),
    ("scraper", "rabbitmq", 15692),
]
CALLS = 9000  # where modules listen for each other


@dataclasses.dataclass(frozen=True)
class Place:
    """Where traffic comes from, or goes to."""

    name: str
    labels: dict
    ports: dict  # by name
    # the labels of its namespace; none where it is in none, and HERE where it is in the shop's
    namespace: object
    protocols: tuple = ("TCP",)


def called(namespace):
    return {"kubernetes.io/metadata.name": namespace}


HERE = "the shop's own"
PROMETHEUS = {"app.kubernetes.io/name": "prometheus"}
STRANGERS = [
    Place("kube-dns", {"k8s-app": "kube-dns"}, {"dns": 53}, called("kube-system"), ("UDP", "TCP")),
    Place("monitoring/prometheus", PROMETHEUS, {}, called("monitoring")),
    Place("elsewhere/prometheus", PROMETHEUS, {}, called("elsewhere")),
    Place("the outside", {}, {"any": 443}, None),
]


def findings(overlay, ground):
    allowed, halves = flows(overlay)
    wanted = expected(overlay, ground)
    for flow in sorted(map(written, allowed - wanted)):
        yield f"{flow} is allowed, and nothing says that it is needed"
    for flow in sorted(map(written, wanted - allowed)):
        yield f"{flow} is needed, and not allowed"
    yield from halves


def written(flow):
    source, destination, port, protocol = flow
    return f"{source} to {destination} at {port}" + (f"/{protocol}" if protocol != "TCP" else "")


def flows(overlay):
    """What both ends allow; and, as findings, what one end names and the other does not allow."""
    policies = [it["spec"] for it in overlay.of_kind("NetworkPolicy")]
    own = [Place(it.name, it.labels, it.ports, HERE) for it in overlay.workloads]
    allowed, halves = set(), []
    for source in own + STRANGERS:
        for destination in own + STRANGERS:
            if source is destination or HERE not in (source.namespace, destination.namespace):
                continue
            for port in destination.ports.values():
                for protocol in destination.protocols:
                    out = side(policies, "egress", source, destination, destination.ports, port, protocol)
                    into = side(policies, "ingress", destination, source, destination.ports, port, protocol)
                    flow = (source.name, destination.name, port, protocol)
                    if out and into:
                        allowed.add(flow)
                    elif out == NAMED:
                        halves.append(f"{written(flow)} is let out, and not let in")
                    elif into == NAMED:
                        halves.append(f"{written(flow)} is let in, and not let out")
    return allowed, halves


NAMED, ANYBODY = "named", "anybody"


def side(policies, direction, here, there, names, port, protocol):
    """Whether the policies for `here` allow what comes from `there`, or goes there: by name, or like anybody's."""
    if here.namespace is not HERE:
        return ANYBODY  # we make no policies for others
    of_here = [it for it in policies if direction.capitalize() in it["policyTypes"]]
    of_here = [it for it in of_here if matches(it["podSelector"], here.labels)]
    if not of_here:
        return ANYBODY
    peers = "to" if direction == "egress" else "from"
    for rule in (rule for policy in of_here for rule in policy.get(direction, [])):
        if at_port(rule.get("ports"), names, port, protocol) and among(rule.get(peers), there):
            return NAMED if rule.get(peers) else ANYBODY
    return None


def at_port(ports, names, port, protocol):
    if not ports:
        return True
    for it in ports:
        refuse_unknown(it, {"protocol", "port"})
        if it.get("protocol", "TCP") == protocol and ("port" not in it or port in (it["port"], names.get(it["port"]))):
            return True
    return False


def among(peers, place):
    if not peers:
        return True
    for peer in peers:
        refuse_unknown(peer, {"podSelector", "namespaceSelector"})
        namespace = peer.get("namespaceSelector")
        if namespace is None:
            near = place.namespace is HERE
        else:
            near = isinstance(place.namespace, dict) and matches(namespace, place.namespace)
        if near and matches(peer.get("podSelector", {}), place.labels):
            return True
    return False


def matches(selector, labels):
    refuse_unknown(selector, {"matchLabels", "matchExpressions"})
    if not selector.get("matchLabels", {}).items() <= labels.items():
        return False
    return all(holds(it, labels.get(it["key"])) for it in selector.get("matchExpressions", []))


def holds(expression, value):
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    raise Stop(f"a selector has an operator that is not known: {expression['operator']}")


def refuse_unknown(given, known):
    """What this does not understand it must not pass over."""
    if not given.keys() <= known:
        unknown = ", ".join(sorted(given.keys() - known))
        raise Stop(f"a policy says {unknown}, which k8s/checks/network.py does not know yet")


def expected(overlay, ground):
    topology, hosts = overlay.topology(ground), overlay.hosts(ground)
    wanted = {(hosts.get(caller, caller), hosts.get(callee, callee), CALLS, "TCP") for caller, callee in topology.edges}
    groups = {
        "module": set(hosts.values()),
        "keeper": {host for module, host in hosts.items() if module != "gateway"},
        "asker": {it.name for it in overlay.workloads if it.name not in ("postgres", "rabbitmq", "consul")},
        "scraper": {"prometheus", "monitoring/prometheus"},
        "stranger": {it.name for it in STRANGERS},
    }
    present = {it.name for it in overlay.workloads} | {it.name for it in STRANGERS}
    for who, whom, port in INFRASTRUCTURE:
        sources, destinations = (groups.get(it, {hosts.get(it, it)}) & present for it in (who, whom))
        protocols = ("UDP", "TCP") if whom == "kube-dns" else ("TCP",)
        wanted |= {(source, destination, port, protocol) for source in sources for destination in destinations
                   for protocol in protocols if source != destination}
    return wanted
