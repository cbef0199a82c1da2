/** APIServices of what this server answers itself: one for each group-version, kept in step with the registry (kube-aggregator's autoregistration). */
import { isStatusError } from '../../apimachinery/status.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import { METRICS_GROUP } from '../../kinds/metrics/resources.ts';
import { groupVersions } from '../discovery/index.ts';
import { asKubeObject } from '../verbs/body.ts';
import type { Core } from '../verbs/core.ts';
import { deleteObject } from '../verbs/deletes.ts';
import { createObject, type WriteContext } from '../verbs/writes.ts';

const AUTOMANAGED = 'kube-aggregator.kubernetes.io/automanaged';
/** Groups built in are registered at the start and left alone; those of custom resources come and go. */
const ON_START = 'onstart';
const WHILE_SERVED = 'true';

/** Priorities of groups, as kube-apiserver has them: they decide the order of discovery. */
const GROUP_PRIORITIES: Readonly<Record<string, number>> = {
  '': 18_000, apps: 17_800, 'events.k8s.io': 17_750, 'authentication.k8s.io': 17_700, 'authorization.k8s.io': 17_600, autoscaling: 17_500, batch: 17_400,
  'certificates.k8s.io': 17_300, 'networking.k8s.io': 17_200, policy: 17_100, 'rbac.authorization.k8s.io': 17_000, 'storage.k8s.io': 16_800,
  'apiextensions.k8s.io': 16_700, 'admissionregistration.k8s.io': 16_700, 'scheduling.k8s.io': 16_600, 'coordination.k8s.io': 16_500, 'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200, 'flowcontrol.apiserver.k8s.io': 16_100, 'resource.k8s.io': 15_900,
};
const CUSTOM_GROUP_PRIORITY = 1_000;
const CUSTOM_VERSION_PRIORITY = 100;
const VERSION_PRIORITY = 15;
const OWN_GROUP = 'apiregistration.k8s.io';
/** Groups without an APIService: the aggregator's own, and metrics, whose name a metrics-server's APIService takes. */
const UNREGISTERED: ReadonlySet<string> = new Set([OWN_GROUP, METRICS_GROUP]);

interface Wanted {
  readonly group: string;
  readonly version: string;
  readonly label: typeof ON_START | typeof WHILE_SERVED;
  readonly groupPriorityMinimum: number;
  readonly versionPriority: number;
}

const nameOf = ({ group, version }: { group: string; version: string }): string => `${version}.${group}`;

function wantedServices(core: Core): Wanted[] {
  const { registry } = core;
  const builtin = new Set(registry.list().filter(({ origin }) => origin === 'builtin').map(({ group }) => group));
  const remote = new Set(registry.remote.map(nameOf));
  return [...groupVersions(registry)].filter(([group]) => !UNREGISTERED.has(group)).flatMap(([group, versions]) => versions
    .filter((version) => !remote.has(nameOf({ group, version })))
    .map((version, index): Wanted => (builtin.has(group)
      ? { group, version, label: ON_START, groupPriorityMinimum: GROUP_PRIORITIES[group] ?? CUSTOM_GROUP_PRIORITY, versionPriority: Math.max(1, group === '' ? 1 : VERSION_PRIORITY + versions.length - 1 - index) }
      : { group, version, label: WHILE_SERVED, groupPriorityMinimum: CUSTOM_GROUP_PRIORITY, versionPriority: Math.max(1, CUSTOM_VERSION_PRIORITY - index) })));
}

async function add(core: Core, kind: AnyKind, wanted: Wanted, context: WriteContext): Promise<void> {
  const { group, version, label, groupPriorityMinimum, versionPriority } = wanted;
  try {
    await createObject(core, kind, '', asKubeObject({
      apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: nameOf(wanted), labels: { [AUTOMANAGED]: label } },
      spec: { ...(group === '' ? {} : { group }), version, groupPriorityMinimum, versionPriority },
    }), context);
  } catch (error) {
    if (!isStatusError(error, 'AlreadyExists')) {
      throw error;
    }
  }
}

async function drop(core: Core, kind: AnyKind, name: string, context: WriteContext): Promise<void> {
  try {
    await deleteObject(core, { kind, namespace: '', name }, {}, context);
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) {
      throw error;
    }
  }
}

/** Adds what is missing and takes away what is served no longer; APIServices that people made are left alone. */
export async function syncLocal(core: Core, kind: AnyKind, context: WriteContext): Promise<void> {
  const wanted = new Map(wantedServices(core).map((one) => [nameOf(one), one]));
  const present = core.store.list(core.registry.storagePrefix(kind)).items.map(({ object }) => object);
  for (const { metadata } of present) {
    if (!wanted.delete(metadata.name) && metadata.labels?.[AUTOMANAGED] === WHILE_SERVED) {
      await drop(core, kind, metadata.name, context);
    }
  }
  await Promise.all([...wanted.values()].map((one) => add(core, kind, one, context)));
}
