"""Whether Kubernetes would take the manifests: by its schemas, where nothing may be said that they do not know."""

import functools
import json

import kubernetes_validate

VERSION = kubernetes_validate.latest_version()


def findings(overlay, ground):
    for document in overlay.documents:
        if fault := fault_in(json.dumps(document, sort_keys=True)):
            yield f"{document['kind']} {document['metadata']['name']}: {fault}"


@functools.cache
def fault_in(text):
    try:
        kubernetes_validate.validate(json.loads(text), VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{'.'.join(map(str, error.path))}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError as error:
        return error.message
    return None
