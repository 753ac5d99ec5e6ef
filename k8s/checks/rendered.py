"""The overlays as a cluster would get them."""

import subprocess

import yaml

from .repository import Stop

IMAGE = "tradewind"
# which topology each overlay is
TOPOLOGIES = {
    "microservices": "microservices",
    "microservices-on-consul": "microservices",
    "monolith": "monolith",
    "demo": "microservices",
}


class Workload:
    """Something that makes pods."""

    def __init__(self, document):
        self.document, self.kind, self.name = document, document["kind"], document["metadata"]["name"]
        spec = document["spec"]
        spec = spec["jobTemplate"]["spec"] if self.kind == "CronJob" else spec
        self.lasts = self.kind in ("Deployment", "StatefulSet")
        self.template = spec["template"]
        self.labels = self.template["metadata"]["labels"]
        self.pod = self.template["spec"]
        self.containers = self.pod["containers"] + self.pod.get("initContainers", [])
        # TCP all of them
        self.ports = {port.get("name"): port["containerPort"] for it in self.containers for port in it.get("ports", [])}
        self.arguments = self.containers[0].get("args", [])
        self.is_ours = self.containers[0]["image"].split(":")[0].split("/")[-1] == IMAGE

    def __str__(self):
        return f"{self.kind} {self.name}"

    def environment(self):
        """Its variables in their order, as (name, value); the value is none where it comes from elsewhere."""
        return [(it["name"], it.get("value")) for container in self.containers for it in container.get("env", [])]

    def modules(self, topology):
        """Which modules of the shop it runs."""
        return [it for it in self.arguments[1:] if it in topology.modules] if self.arguments[:1] == ["run"] else []


class Overlay:
    """One overlay, rendered."""

    def __init__(self, name, documents):
        self.name, self.documents = name, documents
        self.workloads = [Workload(it) for it in documents if {"template", "jobTemplate"} & it.get("spec", {}).keys()]

    def of_kind(self, kind):
        return [it for it in self.documents if it["kind"] == kind]

    def named(self, kind, name):
        return next((it for it in self.of_kind(kind) if it["metadata"]["name"] == name), None)

    def workload(self, name):
        return next((it for it in self.workloads if it.name == name), None)

    def selected(self, selector):
        """The workloads whose pods have these labels."""
        return [it for it in self.workloads if selector.items() <= it.labels.items()]

    def topology(self, ground):
        return ground.topologies[TOPOLOGIES[self.name]]

    def hosts(self, ground):
        """Which workload each module lives in."""
        topology = self.topology(ground)
        return {module: it.name for it in self.workloads for module in it.modules(topology)}


def overlays(folder, kubectl):
    found = sorted(it.parent for it in folder.glob("*/kustomization.yaml"))
    unknown = {it.name for it in found} ^ TOPOLOGIES.keys()
    if unknown:
        raise Stop(f"overlays and the table of their topologies differ by {', '.join(sorted(unknown))}")
    return [Overlay(it.name, render(it, kubectl)) for it in found]


def render(folder, kubectl):
    try:
        done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True)
    except FileNotFoundError:
        raise Stop(f"{kubectl} was not found: --kubectl says where it is, and .ci/kubectl fetches one") from None
    if done.returncode != 0:
        raise Stop(f"{folder.name} cannot be rendered: {done.stderr.strip()}")
    if done.stderr.strip():
        raise Stop(f"{folder.name} is rendered with complaints: {done.stderr.strip()}")
    return list(yaml.safe_load_all(done.stdout))
