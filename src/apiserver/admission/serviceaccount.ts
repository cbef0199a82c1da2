/** Every pod acts as a service account: `default` unless it says otherwise, with its token mounted as in-pod clients expect. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeObject } from '../../apimachinery/object.ts';
import { forbidden } from '../../apimachinery/status.ts';
import type { Container, Pod, PodSpec, ServiceAccount, Volume } from '../../kinds/generated/core.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';
import { isMirror, mirrorRefusal, secretRefusal } from './secretreferences.ts';
import { typed } from '../../kinds/typed.ts';

const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const VOLUME_PREFIX = 'kube-api-access-';
const TOKEN_SECONDS = 3607;
/** In a new namespace the account `default` is about to be made: look again this often before refusing. */
const LOOKUPS = 10;
const LOOKUP_PAUSE_MS = 100;

export interface ServiceAccountOptions {
  accountOf(namespace: string, name: string): KubeObject | undefined;
  /** Add the projected volume with token, CA and namespace. */
  mountTokens: boolean;
}

async function find(options: ServiceAccountOptions, namespace: string, name: string): Promise<KubeObject | undefined> {
  let found = options.accountOf(namespace, name);
  for (let attempt = 1; found === undefined && name === 'default' && attempt < LOOKUPS; attempt += 1) {
    await sleep(LOOKUP_PAUSE_MS);
    found = options.accountOf(namespace, name);
  }
  return found;
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
      ],
    },
  };
}

function mountToken(spec: PodSpec): void {
  const containers: Container[] = [...spec.initContainers ?? [], ...spec.containers ?? []];
  const without = containers.filter((container) => !(container.volumeMounts ?? []).some((mount) => mount.mountPath === MOUNT_PATH));
  if (without.length === 0) {
    return;
  }
  const present = (spec.volumes ?? []).find((volume) => volume.name.startsWith(VOLUME_PREFIX));
  const name = present?.name ?? `${VOLUME_PREFIX}${randomBytes(3).toString('hex').slice(0, 5)}`;
  if (present === undefined) {
    spec.volumes = [...spec.volumes ?? [], tokenVolume(name)];
  }
  for (const container of without) {
    container.volumeMounts = [...container.volumeMounts ?? [], { name, mountPath: MOUNT_PATH, readOnly: true }];
  }
}

async function admitPod(options: ServiceAccountOptions, request: AdmissionRequest, pod: Pod): Promise<void> {
  const { spec } = pod;
  if (spec === undefined) {
    return;
  }
  const name = spec.serviceAccountName ?? spec.serviceAccount ?? '';
  const chosen = name === '' ? 'default' : name;
  spec.serviceAccountName = chosen;
  spec.serviceAccount = chosen;
  // Stored accounts were decoded against their message type.
  const account: ServiceAccount | undefined = await find(options, request.namespace, chosen);
  if (account === undefined) {
    throw forbidden({ group: '', resource: 'pods', name: request.name },
      `error looking up service account ${request.namespace}/${chosen}: serviceaccount "${chosen}" not found`);
  }
  if ((spec.imagePullSecrets ?? []).length === 0 && (account.imagePullSecrets ?? []).length > 0) {
    spec.imagePullSecrets = structuredClone(account.imagePullSecrets ?? []);
  }
  if (options.mountTokens && (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true)) {
    mountToken(spec);
  }
}

const isPod = ({ kind }: AdmissionRequest): boolean => kind.group === '' && kind.plural === 'pods';

export function serviceAccounts(options: ServiceAccountOptions): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    admit(request): Promise<void> | undefined {
      const { object, operation, subresource } = request;
      if (operation !== 'CREATE' || subresource !== '' || object === undefined || !isPod(request)) {
        return undefined;
      }
      const pod = typed('v1 Pod', object);
      // What a node runs by itself is shown as it is.
      return isMirror(pod) ? undefined : admitPod(options, request, pod);
    },
    validate(request): void {
      const { object, operation, subresource, namespace } = request;
      const looked = (operation === 'CREATE' && subresource === '') || (operation === 'UPDATE' && subresource === 'ephemeralcontainers');
      if (!looked || object === undefined || !isPod(request)) {
        return;
      }
      const pod = typed('v1 Pod', object);
      const account = options.accountOf(namespace, pod.spec.serviceAccountName ?? '');
      const why = isMirror(pod) ? mirrorRefusal(pod) : account === undefined ? undefined : secretRefusal(pod, typed('v1 ServiceAccount', account));
      if (why !== undefined) {
        throw forbidden({ group: '', resource: 'pods', name: request.name }, why);
      }
    },
  };
}
