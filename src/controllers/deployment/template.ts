/** Pod templates: which ReplicaSet is the deployment's newest, and the hash in its name. */
import { deepEqual } from '../../apimachinery/values.ts';
import type { Deployment, ReplicaSet } from '../../kinds/generated/apps.ts';
import type { PodTemplateSpec } from '../../kinds/generated/core.ts';
import { oldestFirst } from './rolling.ts';

export const TEMPLATE_HASH = 'pod-template-hash';

/** Equal but for the hash label, which only the set's template carries. */
export function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return deepEqual(withoutHash(a), withoutHash(b));
}

function withoutHash(template: PodTemplateSpec | undefined): PodTemplateSpec {
  const labels = { ...template?.metadata?.labels };
  delete labels[TEMPLATE_HASH];
  // Every empty form of metadata means the same.
  const { name: _name, creationTimestamp: _time, ...metadata } = template?.metadata ?? { name: '' };
  return {
    ...template,
    metadata: { name: '', ...metadata, labels, annotations: metadata.annotations ?? {} },
  };
}

/** The oldest set with the deployment's template: with several, one must win, and always the same. */
export function newestSet(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return oldestFirst(sets).find((set) => sameTemplate(set.spec.template, deployment.spec.template));
}

/** The letters Kubernetes makes safe names of: no vowels, so no words. */
const SAFE = 'bcdfghjklmnpqrstvwxz2456789';

function sortedJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) {
    return JSON.stringify(value) ?? 'null';
  }
  if (Array.isArray(value)) {
    return `[${value.map(sortedJson).join(',')}]`;
  }
  const members = Object.entries(value).filter(([, member]) => member !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${sortedJson(member)}`).join(',')}}`;
}

/** FNV-1a of the template and of how many collisions there were, as a name's last part. */
export function templateHash(template: PodTemplateSpec, collisions: number): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(`${sortedJson(template)}${collisions === 0 ? '' : collisions}`)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return Array.from(String(hash), (digit) => SAFE[digit.charCodeAt(0) % SAFE.length] ?? 'b').join('');
}
