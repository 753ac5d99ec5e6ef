"""All that is asked."""

from . import names, network, pods, schemas

OF_AN_OVERLAY = {
    "manifests are what Kubernetes takes": schemas.findings,
    "pods are kept in, measured, watched, and replaced in good order": pods.findings,
    "policies allow what is needed, and nothing else": network.findings,
    "addresses, ports and names fit together": names.findings,
}


def verdicts(overlays, ground):
    """Each thing that is asked, with what is wrong about it."""
    for overlay in overlays:
        for what, findings in OF_AN_OVERLAY.items():
            yield f"{overlay.name}: {what}", [f"{overlay.name}: {it}" for it in findings(overlay, ground)]
    if ground.compose is not None:
        found = [f"docker-compose.yml: {it}" for it in names.beside_compose(overlays, ground.compose)]
        yield "docker-compose.yml has the same services, ports and settings", found
