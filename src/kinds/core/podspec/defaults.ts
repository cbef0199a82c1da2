/** Defaults of a pod's spec, wherever it stands: in a Pod or in a template. */
import type {
  Container, ContainerPort, EnvVar, EphemeralContainer, LifecycleHandler, PodSpec, Probe, Volume, VolumeProjection,
} from '../../generated/core.ts';

const DEFAULT_FILE_MODE = 0o644;
const TOKEN_SECONDS = 3600;

type AnyContainer = Container | EphemeralContainer;

/** `latest` or no tag means Always; a digest or another tag IfNotPresent. */
export function defaultPullPolicy(image: string | undefined): 'Always' | 'IfNotPresent' {
  const name = image ?? '';
  if (name.includes('@')) {
    return 'IfNotPresent';
  }
  const tag = name.slice(name.lastIndexOf('/') + 1).split(':')[1];
  return tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent';
}

function defaultHttpGet(handler: Pick<LifecycleHandler, 'httpGet'>): void {
  if (handler.httpGet !== undefined) {
    handler.httpGet.path ||= '/';
    handler.httpGet.scheme ||= 'HTTP';
  }
}

function defaultProbe(probe: Probe | undefined): void {
  if (probe === undefined) {
    return;
  }
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  defaultHttpGet(probe);
  if (probe.grpc !== undefined) {
    probe.grpc.service ??= '';
  }
}

function defaultEnv(env: readonly EnvVar[]): void {
  for (const { valueFrom } of env) {
    if (valueFrom?.fieldRef !== undefined) {
      valueFrom.fieldRef.apiVersion ||= 'v1';
    }
    if (valueFrom?.resourceFieldRef !== undefined) {
      valueFrom.resourceFieldRef.divisor ??= '0';
    }
    if (valueFrom?.fileKeyRef !== undefined) {
      valueFrom.fileKeyRef.optional ??= false;
    }
  }
}

function defaultPorts(ports: readonly ContainerPort[], hostNetwork: boolean): void {
  for (const port of ports) {
    port.protocol ||= 'TCP';
    if (hostNetwork && !port.hostPort) {
      port.hostPort = port.containerPort;
    }
  }
}

function defaultContainer(container: AnyContainer, hostNetwork: boolean): void {
  container.image = container.image?.trim() ?? '';
  if (container.image === '') {
    delete container.image;
  }
  container.imagePullPolicy ||= defaultPullPolicy(container.image);
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  container.resources ??= {};
  defaultPorts(container.ports ?? [], hostNetwork);
  defaultEnv(container.env ?? []);
  defaultProbe(container.livenessProbe);
  defaultProbe(container.readinessProbe);
  defaultProbe(container.startupProbe);
  for (const handler of [container.lifecycle?.postStart, container.lifecycle?.preStop]) {
    if (handler !== undefined) {
      defaultHttpGet(handler);
    }
  }
}

function defaultFieldRefs(items: readonly { fieldRef?: { apiVersion?: string }; resourceFieldRef?: { divisor?: string } }[]): void {
  for (const item of items) {
    if (item.fieldRef !== undefined) {
      item.fieldRef.apiVersion ||= 'v1';
    }
    if (item.resourceFieldRef !== undefined) {
      item.resourceFieldRef.divisor ??= '0';
    }
  }
}

function defaultProjection({ serviceAccountToken, downwardAPI }: VolumeProjection): void {
  if (serviceAccountToken !== undefined) {
    serviceAccountToken.expirationSeconds ??= TOKEN_SECONDS;
  }
  defaultFieldRefs(downwardAPI?.items ?? []);
}

function defaultVolume(volume: Volume): void {
  if (Object.keys(volume).every((key) => key === 'name')) {
    volume.emptyDir = {};
  }
  for (const source of [volume.secret, volume.configMap, volume.downwardAPI, volume.projected]) {
    if (source !== undefined) {
      source.defaultMode ??= DEFAULT_FILE_MODE;
    }
  }
  defaultFieldRefs(volume.downwardAPI?.items ?? []);
  for (const projection of volume.projected?.sources ?? []) {
    defaultProjection(projection);
  }
  if (volume.hostPath !== undefined) {
    volume.hostPath.type ??= '';
  }
  if (volume.image !== undefined) {
    volume.image.pullPolicy ||= defaultPullPolicy(volume.image.reference);
  }
}

/** The older name of the service account and the newer one are kept equal; the newer one wins. */
function mirrorServiceAccount(spec: PodSpec): void {
  const name = spec.serviceAccountName || spec.serviceAccount;
  if (name) {
    spec.serviceAccountName = name;
    spec.serviceAccount = name;
  }
}

/** Kubernetes' defaults of a PodSpec, in place. A Pod has a few more: see pod.ts. */
export function defaultPodSpec(spec: PodSpec): void {
  spec.containers ??= [];
  spec.restartPolicy ||= 'Always';
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.schedulerName ||= 'default-scheduler';
  spec.terminationGracePeriodSeconds ??= 30;
  spec.securityContext ??= {};
  mirrorServiceAccount(spec);
  const hostNetwork = spec.hostNetwork === true;
  for (const list of [spec.containers, spec.initContainers ?? [], spec.ephemeralContainers ?? []]) {
    for (const container of list) {
      defaultContainer(container, hostNetwork);
    }
  }
  for (const volume of spec.volumes ?? []) {
    defaultVolume(volume);
  }
}

/** Requests that are not given are those of the limits; Pods only, templates stay as they are. */
export function defaultRequests(spec: PodSpec): void {
  for (const container of [...spec.containers, ...spec.initContainers ?? []]) {
    const resources = container.resources;
    if (resources?.limits !== undefined) {
      resources.requests = { ...resources.limits, ...resources.requests };
    }
  }
}
