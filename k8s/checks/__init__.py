"""What k8s/check asks.

- repository: what the rest of the repository says: topologies, settings, how long draining takes, docker-compose.yml
- rendered: the overlays as a cluster would get them
- pods: whether each pod is kept in, measured, watched and replaced as it should
- network: who may reach whom, by the policies, and who should
- names: whether addresses, ports and names fit together, here and in docker-compose.yml
- schemas: whether Kubernetes would take the manifests
- rules: all of them together
- faults: what is planted to see whether it is found"""
