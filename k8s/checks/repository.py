"""What the rest of the repository says."""

import json
import pathlib
import re
import subprocess

import yaml


class Stop(Exception):
    """There is no sense in going on."""


class Topology:
    """A topology, as `tradewind topology show NAME --json` tells it."""

    def __init__(self, told):
        self.name = told["name"]
        self.processes = {process["name"]: process["modules"] for process in told["processes"]}
        self.modules = {module for modules in self.processes.values() for module in modules}
        # calls that leave a process
        self.edges = [(edge["caller"], edge["callee"]) for edge in told["edges"] if edge["way"] != "local"]
        self.has_registry = told["registry"] == "runs"
        self.has_broker = told["broker"] == "runs"


class Ground:
    """Everything that manifests are compared with."""

    def __init__(self, root, tradewind):
        self.root, self.tradewind = root, tradewind
        self.topologies = {name: self.topology(name) for name in ("microservices", "monolith")}
        self.settings = self.known_settings()
        self.draining = draining(root)
        self.compose = compose(root)

    def topology(self, name):
        return Topology(json.loads(self.ask("topology", "show", name, "--json")))

    def ask(self, *arguments):
        command = [self.tradewind, *arguments]
        try:
            return subprocess.run(command, cwd=self.root, check=True, capture_output=True, text=True).stdout
        except FileNotFoundError:
            raise Stop(f"{self.tradewind} was not found: --tradewind says where the command is") from None
        except subprocess.CalledProcessError as failed:
            raise Stop(f"`{' '.join(map(str, command))}` failed: {failed.stderr.strip()}") from None

    def known_settings(self):
        """The variables that the command reads, as its help tells."""
        # wherever a line of it ends
        told = "".join(self.ask(command, "--help") for command in ("run", "migrate", "order", "audit"))
        # the last is read before there are arguments
        return set(re.findall(r"\[env:\s+(TRADEWIND_\w+)", told)) | {"TRADEWIND_LOG"}


def draining(root):
    """How many seconds a process with a door may take to end once it has lingered, as the chassis says."""
    told = {
        "chassis/src/process/mod.rs": r"const (?:AFTER_THE_DOOR|FAREWELL|BACKGROUND_PATIENCE): Duration = {}",
        "chassis/src/server/mod.rs": r"drain_patience: {}",
        # deregistering, and telling the collector the rest
        "chassis/src/discovery/registration.rs": r"const FAREWELL: Duration = {}",
        "chassis/src/telemetry/otlp.rs": r"const FAREWELL: Duration = {}",
        # threads that wait for the system
        "chassis/src/process/main.rs": r"const LAST_CALLS: Duration = {}",
    }
    seconds = 0
    for file, pattern in told.items():
        pattern = pattern.format(r"Duration::from_secs\((\d+)\)")
        found = re.findall(pattern, (pathlib.Path(root) / file).read_text())
        if not found:
            raise Stop(f"{file} does not say any more how long draining takes: nothing there is like {pattern}")
        seconds += sum(map(int, found))
    return seconds


def compose(root):
    """docker-compose.yml with every variable at its default; nothing where there is no such file."""
    file = pathlib.Path(root) / "docker-compose.yml"
    if not file.exists():
        return None
    text = re.sub(r"\$\{\w+(?::?-([^}]*))?\}", lambda variable: variable.group(1) or "", file.read_text())
    return yaml.safe_load(text)["services"]
