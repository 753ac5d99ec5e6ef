"""What is planted to see whether it is found: one fault at a time, in what was rendered and not in any file."""

import copy
import dataclasses
import typing

from . import names, repository, rules
from .rendered import Overlay


@dataclasses.dataclass
class Fault:
    what: str
    # what one finding must say about it
    found: str
    plant: typing.Callable
    overlay: str = "microservices"


def one(documents, kind, name):
    return next(it for it in documents if it["kind"] == kind and it["metadata"]["name"] == name)


def deployment(documents, name):
    return one(documents, "Deployment", name)


def pod(documents, name, kind="Deployment"):
    return one(documents, kind, name)["spec"]["template"]["spec"]


def container(documents, name, kind="Deployment"):
    return pod(documents, name, kind)["containers"][0]


def policy(documents, name):
    return one(documents, "NetworkPolicy", name)["spec"]


def without(documents, kind, name):
    documents.remove(one(documents, kind, name))


def variable(documents, name, setting):
    return next(it for it in container(documents, name)["env"] if it["name"] == setting)


def names_in(selector):
    return selector["matchExpressions"][0]["values"]


def an_edge_too_many(documents):
    """Payments call inventory, let out and let in."""
    to = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "inventory"}}}
    documents.append({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "more"},
        "spec": {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "payments"}}, "policyTypes": ["Egress"],
                 "egress": [{"to": [to], "ports": [{"port": 9000}]}]},
    })
    at = policy(documents, "called-by-orders")["ingress"][0]["from"]
    at.append({"podSelector": {"matchLabels": {"app.kubernetes.io/name": "payments"}}})


def swapped(documents):
    """The password after the address that it is put into."""
    container(documents, "orders")["env"].sort(key=lambda it: it["name"] == "DATABASE_PASSWORD")


FAULTS = [
    # manifests
    Fault("a field that Kubernetes does not know", "restartPolice",
          lambda it: pod(it, "orders").update(restartPolice="Always")),
    Fault("a number as a text", "failureThreshold",
          lambda it: container(it, "orders")["startupProbe"].update(failureThreshold="200")),
    Fault("a kind that is no more", "Couldn't find schema",
          lambda it: one(it, "PodDisruptionBudget", "orders").update(apiVersion="policy/v1beta1")),
    # pods
    Fault("no readiness probe", "Deployment orders has no readinessProbe",
          lambda it: container(it, "orders").pop("readinessProbe")),
    Fault("no liveness probe of an engine", "StatefulSet rabbitmq has no livenessProbe",
          lambda it: container(it, "rabbitmq", "StatefulSet").pop("livenessProbe")),
    Fault("a probe at the wrong path", "that does not ask for /readyz",
          lambda it: container(it, "orders")["readinessProbe"]["httpGet"].update(path="/livez")),
    Fault("a probe at no port", "at a port that it does not have: web",
          lambda it: container(it, "card-network")["livenessProbe"]["httpGet"].update(port="web")),
    Fault("no limit of memory", "Deployment catalog has no limits of memory",
          lambda it: container(it, "catalog")["resources"]["limits"].pop("memory")),
    Fault("no requests", "Job migrate has no requests of cpu and memory",
          lambda it: container(it, "migrate", "Job")["resources"].pop("requests")),
    Fault("no budget", "Deployment payments has 0 budgets",
          lambda it: without(it, "PodDisruptionBudget", "payments")),
    Fault("a budget that lets nobody go", "budget that is not maxUnavailable 1",
          lambda it: one(it, "PodDisruptionBudget", "orders")["spec"].update(maxUnavailable=0)),
    Fault("root", "Deployment shipping may run as root",
          lambda it: pod(it, "shipping")["securityContext"].update(runAsUser=0)),
    Fault("somebody else", "does not run as 65532",
          lambda it: pod(it, "shipping")["securityContext"].update(runAsUser=1000)),
    Fault("privileges", "StatefulSet postgres may gain privileges",
          lambda it: container(it, "postgres", "StatefulSet")["securityContext"].update(allowPrivilegeEscalation=True)),
    Fault("capabilities", "Deployment gateway keeps capabilities",
          lambda it: container(it, "gateway")["securityContext"]["capabilities"].pop("drop")),
    Fault("no seccomp profile", "Job migrate has no seccomp profile",
          lambda it: pod(it, "migrate", "Job")["securityContext"].pop("seccompProfile")),
    Fault("a root file system that can be written", "Deployment orders may write to its root file system",
          lambda it: container(it, "orders")["securityContext"].update(readOnlyRootFilesystem=False)),
    Fault("a folder of the node", "has the volume host",
          lambda it: pod(it, "orders")["volumes"].append({"name": "host", "hostPath": {"path": "/"}})),
    Fault("the network of the node", "has hostNetwork",
          lambda it: pod(it, "gateway").update(hostNetwork=True)),
    Fault("a token for the API server", "Deployment orders gets a token",
          lambda it: pod(it, "orders").pop("automountServiceAccountToken")),
    Fault("a namespace that lets anything in", "the namespace does not enforce",
          lambda it: one(it, "Namespace", "tradewind")["metadata"]["labels"].clear()),
    Fault("a grace that is too short", "Deployment gateway is killed after 25 s",
          lambda it: pod(it, "gateway").update(terminationGracePeriodSeconds=25)),
    Fault("no pause", "Deployment orders takes the place of another",
          lambda it: deployment(it, "orders")["spec"].pop("minReadySeconds")),
    Fault("no lingering", "Deployment config-server does not linger",
          lambda it: container(it, "config-server").pop("lifecycle")),
    Fault("the old one goes first", "Deployment orders is not replaced by a rolling update",
          lambda it: deployment(it, "orders")["spec"]["strategy"]["rollingUpdate"].update(maxUnavailable=1)),
    Fault("a monolith that is there twice", "Deployment shop may run twice",
          lambda it: deployment(it, "shop")["spec"].update(strategy={"type": "RollingUpdate"}), "monolith"),
    Fault("nobody scales it", "Deployment notifications has no HorizontalPodAutoscaler",
          lambda it: without(it, "HorizontalPodAutoscaler", "notifications")),
    Fault("two who scale it", "Deployment orders says how many there are",
          lambda it: deployment(it, "orders")["spec"].update(replicas=3)),
    Fault("two config servers", "Deployment config-server is there more than once",
          lambda it: deployment(it, "config-server")["spec"].update(replicas=2)),
    Fault("a config server that is scaled", "Deployment config-server has a HorizontalPodAutoscaler",
          lambda it: one(it, "HorizontalPodAutoscaler", "orders")["spec"].update(
              scaleTargetRef={"apiVersion": "apps/v1", "kind": "Deployment", "name": "config-server"})),
    # policies
    Fault("a call that nobody makes", "payments to inventory at 9000 is allowed",
          an_edge_too_many),
    Fault("a call that is not let in", "orders to shipping at 9000 is let out, and not let in",
          lambda it: names_in(policy(it, "called-by-orders")["podSelector"]).remove("shipping")),
    Fault("a call that is not let out", "orders to shipping at 9000 is needed, and not allowed",
          lambda it: names_in(policy(it, "orders-calls")["egress"][0]["to"][0]["podSelector"]).remove("shipping")),
    Fault("no door", "the outside to gateway at 8080 is needed, and not allowed",
          lambda it: without(it, "NetworkPolicy", "door")),
    Fault("a door to more than the door", "the outside to gateway at 9000 is allowed",
          lambda it: policy(it, "door")["ingress"][0].pop("ports")),
    Fault("nothing is closed", "the outside to postgres at 5432 is allowed",
          lambda it: (without(it, "NetworkPolicy", "closed"), without(it, "NetworkPolicy", "postgres"))),
    Fault("whoever lives in this namespace", "shipping to card-network at 8600 is let in, and not let out",
          lambda it: policy(it, "card-network")["ingress"][0].update({"from": [{"podSelector": {}}]})),
    Fault("whoever calls itself Prometheus, anywhere", "elsewhere/prometheus to orders at 9000 is allowed",
          lambda it: policy(it, "metrics")["ingress"][0]["from"][1].update(namespaceSelector={})),
    Fault("a way out", "notifications to the outside at 443 is allowed",
          lambda it: policy(it, "names")["egress"].append({"ports": [{"port": 443}]})),
    Fault("a label too many", "gateway to postgres at 5432 is allowed",
          lambda it: deployment(it, "gateway")["spec"]["template"]["metadata"]["labels"].update(
              {"tradewind.example/needs-postgres": "true"})),
    Fault("a broker that stays away from the monitor", "prometheus to rabbitmq at 15692 is let out, and not let in",
          lambda it: without(it, "NetworkPolicy", "rabbitmq-metrics"), "demo"),
    Fault("what the check does not understand", "which k8s/checks/network.py does not know yet",
          lambda it: policy(it, "door")["ingress"][0].update({"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]})),
    # names
    Fault("a module that is missing", "process recommendations runs nothing here",
          lambda it: without(it, "Deployment", "recommendations")),
    Fault("another module than its name says", "process catalog runs orders here",
          lambda it: container(it, "catalog").update(args=["run", "orders"])),
    Fault("a setting that nobody reads", "is told TRADEWIND_LISTENS, which the command does not read",
          lambda it: variable(it, "orders", "TRADEWIND_LISTEN").update(name="TRADEWIND_LISTENS")),
    Fault("an address where nobody is", "is told config-server:8889 by TRADEWIND_CONFIG_SERVER",
          lambda it: variable(it, "orders", "TRADEWIND_CONFIG_SERVER").update(value="http://config-server:8889")),
    Fault("an address that is out of bounds", "shipping is told card-network:8600 by X, and may not go there",
          lambda it: container(it, "shipping")["env"].append({"name": "X", "value": "http://card-network:8600"})),
    Fault("a password that comes too late", "uses DATABASE_PASSWORD in TRADEWIND_STORE before it is set",
          swapped),
    Fault("a password in a manifest", "has the secret BROKER_PASSWORD in its manifest",
          lambda it: (variable(it, "orders", "BROKER_PASSWORD").clear(),
                      container(it, "orders")["env"][0].update(name="BROKER_PASSWORD", value="hush"))),
    Fault("a secret that nobody makes", "from tradewind/operator, which nobody makes",
          lambda it: variable(it, "orders", "TRADEWIND_OPERATOR_TOKEN")["valueFrom"]["secretKeyRef"].update(
              key="operator")),
    Fault("a file that is not there", "mounts the ConfigMap tradewind-config, which is not there",
          lambda it: without(it, "ConfigMap", "tradewind-config")),
    Fault("a Service to nowhere", "Service orders leads to the port web",
          lambda it: one(it, "Service", "orders")["spec"]["ports"][0].update(targetPort="web")),
    Fault("a Service that hides its pods", "Service orders is with an address of its own",
          lambda it: one(it, "Service", "orders")["spec"].pop("clusterIP")),
    Fault("an Ingress to nowhere", "Ingress shop leads to gateway, port web: there is none",
          lambda it: one(it, "Ingress", "shop")["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"].update(
              port={"name": "web"})),
    Fault("no registry", "catalog is told of a registry, or is not",
          lambda it: container(it, "catalog")["env"].remove(variable(it, "catalog", "TRADEWIND_REGISTRY"))),
]

# in docker-compose.yml
BESIDE = [
    Fault("a service that is there alone", "extra is in docker-compose.yml alone",
          lambda it: it.update(extra={"image": "extra:1"})),
    Fault("a service that is here alone", "card-network is in k8s/ alone",
          lambda it: it.pop("card-network")),
    Fault("another port", "gateway has the port 8088 there, and not here",
          lambda it: it["gateway"].update(ports=["127.0.0.1:8080:8088"])),
    Fault("another image", "postgres is of the image postgres:17 here, and of postgres:16 there",
          lambda it: it["postgres"].update(image="postgres:16")),
    Fault("another address", "finds config-server at 8889 there",
          lambda it: it["orders"]["environment"].update(TRADEWIND_CONFIG_SERVER="http://config-server:8889")),
    Fault("another setting", "payments is told TRADEWIND_LISTEN=0.0.0.0:9000 here, and 0.0.0.0:9001 there",
          lambda it: it["payments"]["environment"].update(TRADEWIND_LISTEN="0.0.0.0:9001")),
    Fault("a setting that is there alone", "orders is told TRADEWIND_PROFILE there, and not here",
          lambda it: it["orders"]["environment"].update(TRADEWIND_PROFILE="demo")),
]


def verdicts(overlays, ground):
    """Whether each is found."""
    for fault in FAULTS:
        overlay = next(it for it in overlays if it.name == fault.overlay)
        documents = copy.deepcopy(overlay.documents)
        fault.plant(documents)
        yield verdict(fault, lambda documents=documents, name=overlay.name: [
            finding for _, findings in rules.verdicts([Overlay(name, documents)], ground) for finding in findings
        ])
    for fault in BESIDE if ground.compose is not None else []:
        compose = copy.deepcopy(ground.compose)
        fault.plant(compose)
        yield verdict(fault, lambda compose=compose: list(names.beside_compose(overlays, compose)))


def verdict(fault, ask):
    try:
        findings = ask()
    except repository.Stop as why:
        findings = [str(why)]
    found = any(fault.found in it for it in findings)
    instead = "; ".join(findings) or "nothing"
    complaint = f"a planted fault was not found: {fault.what} ({fault.found}); instead: {instead}"
    return f"found: {fault.what}", [] if found else [complaint]
