"""What the Python client does with a server: run by pythonclient.test.ts. Prints one line for each thing that works."""
import sys
import threading
import time

from kubernetes import client, config, watch
from kubernetes.client.rest import ApiException

config.load_kube_config(config_file=sys.argv[1])
core, apps, custom, extensions = client.CoreV1Api(), client.AppsV1Api(), client.CustomObjectsApi(), client.ApiextensionsV1Api()
NAMESPACE = "python"


def step(name, check):
    assert check, name
    print("ok", name, flush=True)


core.create_namespace({"metadata": {"name": NAMESPACE}})
step("version", client.VersionApi().get_code().major == "1")

made = core.create_namespaced_config_map(NAMESPACE, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="a", labels={"app": "x"}), data={"k": "v"}))
step("create", made.metadata.uid and made.data == {"k": "v"})
step("get", core.read_namespaced_config_map("a", NAMESPACE).data["k"] == "v")
for number in range(25):
    core.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": "n%02d" % number, "labels": {"app": "y"}}})
step("list", len(core.list_namespaced_config_map(NAMESPACE, label_selector="app=y").items) == 25)

names, token = [], None
while True:
    page = core.list_namespaced_config_map(NAMESPACE, label_selector="app=y", limit=10, _continue=token)
    names += [item.metadata.name for item in page.items]
    token = page.metadata._continue
    if not token:
        break
step("list in pages", names == ["n%02d" % number for number in range(25)])

events = []
start = core.list_namespaced_config_map(NAMESPACE).metadata.resource_version


def watching():
    watcher = watch.Watch()
    for event in watcher.stream(core.list_namespaced_config_map, NAMESPACE, resource_version=start, timeout_seconds=60):
        events.append((event["type"], event["object"].metadata.name))
        if len(events) == 3:
            watcher.stop()


thread = threading.Thread(target=watching)
thread.start()
core.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": "w"}})
core.patch_namespaced_config_map("w", NAMESPACE, {"data": {"p": "q"}})
core.delete_namespaced_config_map("w", NAMESPACE)
thread.join(70)
step("watch", events == [("ADDED", "w"), ("MODIFIED", "w"), ("DELETED", "w")])

step("strategic merge patch", core.patch_namespaced_config_map("a", NAMESPACE, {"data": {"k": None, "l": "m"}}).data == {"l": "m"})
step("json patch", core.patch_namespaced_config_map("a", NAMESPACE, [{"op": "add", "path": "/data/z", "value": "1"}]).data == {"l": "m", "z": "1"})
read = core.read_namespaced_config_map("a", NAMESPACE)
read.data = {"new": "1"}
step("replace", core.replace_namespaced_config_map("a", NAMESPACE, read).data == {"new": "1"})
try:
    core.replace_namespaced_config_map("a", NAMESPACE, read)
    step("conflict", False)
except ApiException as error:
    step("conflict", error.status == 409)
try:
    core.read_namespaced_config_map("missing", NAMESPACE)
    step("not found", False)
except ApiException as error:
    step("not found", error.status == 404 and "not found" in error.body)

secret = core.create_namespaced_secret(NAMESPACE, client.V1Secret(metadata=client.V1ObjectMeta(name="s"), string_data={"a": "b"}))
step("secret", secret.data == {"a": "Yg=="})

deployment = apps.create_namespaced_deployment(NAMESPACE, client.V1Deployment(
    metadata=client.V1ObjectMeta(name="d"),
    spec=client.V1DeploymentSpec(
        replicas=2, selector=client.V1LabelSelector(match_labels={"app": "d"}),
        template=client.V1PodTemplateSpec(
            metadata=client.V1ObjectMeta(labels={"app": "d"}),
            spec=client.V1PodSpec(containers=[client.V1Container(name="c", image="x", ports=[client.V1ContainerPort(container_port=80)])])))))
step("deployment", deployment.spec.strategy.type == "RollingUpdate" and deployment.metadata.creation_timestamp is not None)
scale = apps.patch_namespaced_deployment_scale("d", NAMESPACE, {"spec": {"replicas": 5}})
step("scale", scale.spec.replicas == 5 and apps.read_namespaced_deployment("d", NAMESPACE).spec.replicas == 5)

extensions.create_custom_resource_definition({
    "metadata": {"name": "toys.python.example.com"},
    "spec": {
        "group": "python.example.com", "scope": "Namespaced", "names": {"plural": "toys", "singular": "toy", "kind": "Toy"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
            "type": "object", "properties": {"spec": {"type": "object", "properties": {"color": {"type": "string"}}}}}}}],
    },
})
for attempt in range(100):
    try:
        custom.list_namespaced_custom_object("python.example.com", "v1", NAMESPACE, "toys")
        break
    except ApiException:
        time.sleep(0.05)
toy = custom.create_namespaced_custom_object("python.example.com", "v1", NAMESPACE, "toys", {"apiVersion": "python.example.com/v1", "kind": "Toy", "metadata": {"name": "t"}, "spec": {"color": "red"}})
step("custom object", toy["spec"]["color"] == "red")
changed = custom.patch_namespaced_custom_object("python.example.com", "v1", NAMESPACE, "toys", "t", {"spec": {"color": "blue"}})
step("custom object patch", changed["spec"]["color"] == "blue")

review = client.AuthorizationV1Api().create_self_subject_access_review({"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}})
step("access review", review.status.allowed)
step("dry run", core.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": "dry"}}, dry_run="All").metadata.uid)
core.delete_collection_namespaced_config_map(NAMESPACE, label_selector="app=y")
step("delete collection", len(core.list_namespaced_config_map(NAMESPACE, label_selector="app=y").items) == 0)
print("done", flush=True)
