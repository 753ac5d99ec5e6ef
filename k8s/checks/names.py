"""Whether addresses, ports and names fit together: in an overlay, with its topology, and with docker-compose.yml."""

import re

from . import network
from .rendered import IMAGE

# what Secret `tradewind` has; README.md says how it is made
SECRET, KEYS = "tradewind", {"postgres-password", "database-password", "broker-password", "operator-token"}
ADDRESS = re.compile(r"(?:^|//|@)([a-z{][a-z0-9{}-]*):(\d+)(?:/|$)")

# What only one of the two has, and why the other does without.
COMPOSE_ALONE = re.compile(
    r".+-replica"  # here there are replicas of everything
    r"|shop-tools"  # here `tools` is told of the shop that its overlay has
    r"|jaeger|grafana"  # stay outside of the namespace
)
KUBERNETES_ALONE = {"migrate"}  # there each service does it at its start
SETTINGS_OF_COMPOSE = {
    "TRADEWIND_LOG",
    "TRADEWIND_ADVERTISE",  # here pods find out by themselves, and TRADEWIND_HOSTS says the rest
    "TRADEWIND_PROCESS",
    "TRADEWIND_NOTIFICATIONS__OUTBOX__KEEP",  # /data is small there
    # everybody is told these there, those too who do not need them
    "TRADEWIND_STORE",
    "TRADEWIND_BROKER",
    "TRADEWIND_OTLP",
    "TRADEWIND_OPERATOR_TOKEN",
}
SETTINGS_OF_KUBERNETES = {
    "TRADEWIND_DATA",  # there the image says it
    "TRADEWIND_HOSTS",
    "TRADEWIND_INSTANCE",  # there only modules have replicas
    "TRADEWIND_LINGER_MS",  # there nobody is replaced while others call
    "TRADEWIND_CONFIG_SERVER",  # there the monolith does without
    "TRADEWIND_MODULES",  # there `shop-tools` is told
}
TOLD_LESS = {"shopper"}  # there it is told whatever `tools` is, and here what it needs
# said by both, each in its own way
SAID_OTHERWISE = {"TRADEWIND_REGISTRY", "TRADEWIND_INSTANCE", "TRADEWIND_OPERATOR_TOKEN"}


def findings(overlay, ground):
    yield from of_topology(overlay, ground)
    yield from of_services(overlay)
    yield from of_references(overlay)
    allowed, _ = network.flows(overlay)
    for workload in overlay.workloads:
        if workload.is_ours:
            for finding in (*known(workload, ground), *addresses(workload, overlay, ground, allowed)):
                yield f"{workload} {finding}"


# --- within an overlay ---------------------------------------------------------------------------------------------


def of_topology(overlay, ground):
    """The same processes with the same modules, and the engines that they need."""
    topology = overlay.topology(ground)
    here = {it.name: set(it.modules(topology)) for it in overlay.workloads if it.modules(topology)}
    there = {name: set(modules) for name, modules in topology.processes.items()}
    for name in sorted(here.keys() | there.keys()):
        if here.get(name) != there.get(name):
            yield (f"process {name} runs {listed(here.get(name))} here, "
                   f"and {listed(there.get(name))} in topologies/{topology.name}.toml")
    needed = {"config-server", "card-network"} | ({"rabbitmq"} if topology.has_broker else set())
    names = {it.name for it in overlay.workloads}
    for name in sorted(needed - names):
        yield f"there is no {name}, and topologies/{topology.name}.toml needs it"
    if "rabbitmq" in names and not topology.has_broker:
        yield f"there is a rabbitmq, and topologies/{topology.name}.toml has no broker"
    for name in sorted(here):
        if topology.has_registry != ("TRADEWIND_REGISTRY" in dict(overlay.workload(name).environment())):
            yield f"{name} is told of a registry, or is not, against topologies/{topology.name}.toml"


def listed(names):
    return ", ".join(sorted(names)) if names else "nothing"


def of_services(overlay):
    for service in overlay.of_kind("Service"):
        name, spec = service["metadata"]["name"], service["spec"]
        behind = overlay.selected(spec["selector"])
        if len(behind) != 1:
            yield f"Service {name} leads to {len(behind)} workloads"
            continue
        for port in spec["ports"]:
            if port["targetPort"] not in behind[0].ports:
                yield f"Service {name} leads to the port {port['targetPort']}, which {behind[0]} does not have"
        if name == behind[0].name and behind[0].labels.get("app.kubernetes.io/component") == "module":
            # the gateway is met by those who do not choose among pods
            headless = spec.get("clusterIP") == "None" and not spec.get("publishNotReadyAddresses")
            if headless == (name == "gateway"):
                yield f"Service {name} is {'without' if headless else 'with'} an address of its own"
    for ingress in overlay.of_kind("Ingress"):
        for path in (path for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]):
            name, port = path["backend"]["service"]["name"], path["backend"]["service"]["port"]["name"]
            service = overlay.named("Service", name)
            if not service or port not in {it["name"] for it in service["spec"]["ports"]}:
                yield f"Ingress {ingress['metadata']['name']} leads to {name}, port {port}: there is none"


def of_references(overlay):
    """Everything that pods are given from ConfigMaps and Secrets."""
    maps = {it["metadata"]["name"] for it in overlay.of_kind("ConfigMap")}
    made = overlay.named("Secret", SECRET)
    if made and {*made.get("data", {}), *made.get("stringData", {})} != KEYS:
        yield f"Secret {SECRET} does not have exactly {listed(KEYS)}"
    for workload in overlay.workloads:
        for volume in workload.pod.get("volumes", []):
            sources = [volume, *volume.get("projected", {}).get("sources", [])]
            for name in (it["configMap"]["name"] for it in sources if "configMap" in it):
                if name not in maps:
                    yield f"{workload} mounts the ConfigMap {name}, which is not there"
        for container in workload.containers:
            for variable in container.get("env", []):
                asked = variable.get("valueFrom", {}).get("secretKeyRef")
                if asked and (asked["name"] != SECRET or asked["key"] not in KEYS):
                    yield f"{workload} takes {variable['name']} from {asked['name']}/{asked['key']}, which nobody makes"
                secret = re.search("PASSWORD|TOKEN", variable["name"]) and "value" in variable
                if secret:
                    yield f"{workload} has the secret {variable['name']} in its manifest"


def known(workload, ground):
    """Settings that the command reads, and what stands in them."""
    before = set()
    for name, value in workload.environment():
        of_module = re.fullmatch(r"TRADEWIND_[A-Z]+__\w+__\w+", name)
        if name.startswith("TRADEWIND_") and not of_module and name not in ground.settings:
            yield f"is told {name}, which the command does not read"
        for used in re.findall(r"\$\(([^)]+)\)", value or ""):
            if used not in before:
                yield f"uses {used} in {name} before it is set, and would get it as it stands there"
        before.add(name)


def addresses(workload, overlay, ground, allowed):
    """Whoever is told an address finds a Service there, and may go there."""
    for name, value in workload.environment():
        for host, port in ADDRESS.findall(value or ""):
            hosts = sorted(overlay.topology(ground).modules) if host == "{module}" else [host]
            for host in hosts:
                service = overlay.named("Service", host)
                ports = {it["port"]: it["targetPort"] for it in service["spec"]["ports"]} if service else {}
                if int(port) not in ports:
                    yield f"is told {host}:{port} by {name}, and there is no such Service"
                    continue
                # modules are looked up by everybody, and called by some
                behind = [] if "{module}" in value else overlay.selected(service["spec"]["selector"])
                for place in behind:
                    if (workload.name, place.name, place.ports.get(ports[int(port)]), "TCP") not in allowed:
                        yield f"is told {host}:{port} by {name}, and may not go there"


# --- with docker-compose.yml ---------------------------------------------------------------------------------------


def beside_compose(overlays, compose):
    """The same services at the same ports, of the same images, told the same."""
    here = {}
    for workload in (it for overlay in overlays for it in overlay.workloads):
        here.setdefault(workload.name, []).append(workload)
    there = {name: service for name, service in compose.items() if not COMPOSE_ALONE.fullmatch(name)}
    for name in sorted((here.keys() ^ there.keys()) - KUBERNETES_ALONE):
        yield f"{name} is in {'k8s/' if name in here else 'docker-compose.yml'} alone"
    ports = {name: {port for it in workloads for port in it.ports.values()} for name, workloads in here.items()}
    for name in sorted(here.keys() & there.keys()):
        yield from (f"{name} {finding}" for finding in of_both(here[name], there[name], ports))


def of_both(workloads, service, ports):
    name = workloads[0].name
    images = {it["image"] for workload in workloads for it in workload.containers}
    if not workloads[0].is_ours and images != {service["image"]}:
        yield f"is of the image {listed(images)} here, and of {service['image']} there"
    if workloads[0].is_ours != (service["image"].split(":")[0] == IMAGE):
        yield "is of our image here or there, and not in both"
    published = {int(it.rsplit(":", 1)[1]) for it in service.get("ports", [])}
    if published - ports[name]:
        yield f"has the port {listed(map(str, published - ports[name]))} there, and not here"
    environment = service.get("environment", {})
    for setting, value in environment.items():
        for host, port in ADDRESS.findall(str(value)):
            if int(port) not in ports.get(host, {int(port)}):
                yield f"finds {host} at {port} there ({setting}), and {host} has no such port here"
    if workloads[0].is_ours:
        yield from told_both(workloads, {setting: str(value) for setting, value in environment.items()})


def told_both(workloads, there):
    here = {}
    for setting, value in (it for workload in workloads for it in workload.environment()):
        if setting.startswith("TRADEWIND_"):
            here.setdefault(setting, set()).add(without_password(value))
    for setting in sorted(there.keys() - here.keys() - SETTINGS_OF_COMPOSE):
        if workloads[0].name not in TOLD_LESS:
            yield f"is told {setting} there, and not here"
    for setting in sorted(here.keys() - there.keys() - SETTINGS_OF_KUBERNETES):
        yield f"is told {setting} here, and not there"
    for setting in sorted(here.keys() & there.keys() - SAID_OTHERWISE):
        if without_password(there[setting]) not in here[setting]:
            yield f"is told {setting}={listed(here[setting])} here, and {without_password(there[setting])} there"


def without_password(value):
    return re.sub(r":[^:@/]*@", ":…@", value or "")
