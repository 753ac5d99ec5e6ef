"""Whether each pod is kept in, measured, watched and replaced as it should."""

# who gets along without what, and why
ANSWERS_NOBODY = {"shopper"}  # it is ready when it reaches the shop
ALONE = {"shop"}  # its messages never leave the process, so the old one goes before the new one comes
ONE = {"config-server"}  # each knows only of the instances that watch it and report to it
# everything else that a pod could be given reaches out of it
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
PROBES = {"startupProbe", "readinessProbe", "livenessProbe"}
OURS = 65532


def findings(overlay, ground):
    if not all(is_restricted(it) for it in overlay.of_kind("Namespace")) or not overlay.of_kind("Namespace"):
        yield "the namespace does not enforce the restricted standard"
    for workload in overlay.workloads:
        checks = [kept_in(workload), measured(workload)]
        if workload.lasts:
            checks += [watched(workload), budgeted(workload, overlay), replaced(workload, ground)]
        for check in checks:
            yield from (f"{workload} {finding}" for finding in check)
    yield from scaled(overlay, ground)


def is_restricted(namespace):
    return namespace["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce") == "restricted"


def kept_in(workload):
    """The restricted Pod Security Standard, and what we ask besides."""
    pod, of_pod = workload.pod, workload.pod.get("securityContext", {})
    for share in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(share):
            yield f"has {share}"
    for volume in pod.get("volumes", []):
        if not volume.keys() - {"name"} <= VOLUMES:
            yield f"has the volume {volume['name']}, of a kind that the restricted standard refuses"
    if of_pod.get("sysctls"):
        yield "sets sysctls"
    if pod.get("automountServiceAccountToken") is not False:
        yield "gets a token for the API server (automountServiceAccountToken)"
    if pod.get("enableServiceLinks") is not False:
        yield "gets a variable for each Service (enableServiceLinks)"
    for container in workload.containers:
        own = container.get("securityContext", {})
        both = {**of_pod, **own}
        if both.get("runAsNonRoot") is not True or not both.get("runAsUser"):
            yield "may run as root"
        if both.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
            yield "has no seccomp profile"
        if own.get("privileged") or own.get("allowPrivilegeEscalation") is not False:
            yield "may gain privileges (allowPrivilegeEscalation)"
        capabilities = own.get("capabilities", {})
        if capabilities.get("drop") != ["ALL"] or capabilities.get("add"):
            yield "keeps capabilities"
        if own.get("readOnlyRootFilesystem") is not True:
            yield "may write to its root file system"
        if any("hostPort" in port for port in container.get("ports", [])):
            yield "takes a port of its node (hostPort)"
        if own.get("procMount", "Default") != "Default":
            yield "unmasks /proc (procMount)"
    if workload.is_ours and of_pod.get("runAsUser") != OURS:
        yield f"does not run as {OURS}, to whom the image's /data belongs"


def measured(workload):
    for container in workload.containers:
        resources = container.get("resources", {})
        for bound in ("requests", "limits"):
            missing = {"cpu", "memory"} - resources.get(bound, {}).keys()
            if missing:
                yield f"has no {bound} of {' and '.join(sorted(missing))}"


def watched(workload):
    probes = PROBES if workload.name not in ANSWERS_NOBODY else {"readinessProbe"}
    for container in workload.containers:
        for missing in sorted(probes - container.keys()):
            yield f"has no {missing}"
        for probe in probes & container.keys():
            asked = container[probe].get("httpGet")
            if asked and asked["port"] not in workload.ports:
                yield f"has a {probe} at a port that it does not have: {asked['port']}"
            if asked and workload.is_ours:
                path = "/readyz" if probe == "readinessProbe" else "/livez"
                if asked["path"] != path or asked["port"] != "http":
                    yield f"has a {probe} that does not ask for {path} at the port http"


def budgeted(workload, overlay):
    budgets = [it for it in overlay.of_kind("PodDisruptionBudget")
               if overlay.selected(it["spec"]["selector"]["matchLabels"]) == [workload]]
    if len(budgets) != 1:
        yield f"has {len(budgets)} budgets of its own, and not one (PodDisruptionBudget)"
    elif budgets[0]["spec"].get("maxUnavailable") != 1:
        yield "has a budget that is not maxUnavailable 1"


def replaced(workload, ground):
    """The new one comes before the old one goes, and that one has the time that it may need."""
    strategy = workload.document["spec"].get("strategy")
    if workload.name in ALONE:
        if strategy != {"type": "Recreate"}:
            yield "may run twice while it is replaced (strategy)"
    elif workload.is_ours:
        if strategy != {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}:
            yield "is not replaced by a rolling update with maxUnavailable 0 and maxSurge 1"
    if workload.name in ONE and workload.document["spec"].get("replicas", 1) != 1:
        yield "is there more than once (replicas)"
    if workload.is_ours and workload.ports:
        grace, needed = workload.pod.get("terminationGracePeriodSeconds", 30), lingers(workload) + ground.draining
        if not lingers(workload):
            yield "does not linger before it drains: TRADEWIND_LINGER_MS, or preStop where the process does not itself"
        of_module = workload.labels.get("app.kubernetes.io/component") == "module"
        if of_module and not workload.document["spec"].get("minReadySeconds"):
            yield "takes the place of another before it answers by message (minReadySeconds)"
        if grace <= needed:
            yield f"is killed after {grace} s, but may linger and drain for {needed} s (terminationGracePeriodSeconds)"


def lingers(workload):
    stop = workload.containers[0].get("lifecycle", {}).get("preStop", {})
    asleep = stop.get("sleep", {}).get("seconds", 0)
    return asleep + int(dict(workload.environment()).get("TRADEWIND_LINGER_MS", 0)) / 1000


def scaled(overlay, ground):
    """Where anybody is scaled every module is, and nobody else says how many of it there are."""
    scalers = {it["spec"]["scaleTargetRef"]["name"]: it for it in overlay.of_kind("HorizontalPodAutoscaler")}
    if not scalers:
        return
    for name in sorted(overlay.topology(ground).processes.keys() - scalers.keys()):
        yield f"Deployment {name} has no HorizontalPodAutoscaler"
    for name, scaler in scalers.items():
        workload = overlay.workload(name)
        if not workload:
            yield f"HorizontalPodAutoscaler {scaler['metadata']['name']} is for a Deployment that is not there: {name}"
        elif name in ONE:
            yield f"{workload} has a HorizontalPodAutoscaler, though there is to be one of it"
        elif "replicas" in workload.document["spec"]:
            yield f"{workload} says how many there are, and its HorizontalPodAutoscaler does, too"
