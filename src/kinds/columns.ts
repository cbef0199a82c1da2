/** Columns and cells that many kinds share, as k8s.io/kubernetes/pkg/printers prints them. */
import type { KubeObject } from '../apimachinery/object.ts';
import { SelectorError, selectorFromMap, selectorFromObject, selectorToString } from '../apimachinery/selectors.ts';
import { humanDuration } from '../apimachinery/tables.ts';
import type { Column } from './kind.ts';
import type * as core from './generated/core.ts';
import type * as meta from './generated/meta.ts';

export const NONE = '<none>';
export const UNKNOWN = '<unknown>';

/** How long ago a time was; `<unknown>` where there is none. */
export function since(time: string | undefined, now: number): string {
  const at = Date.parse(time ?? '');
  return Number.isNaN(at) ? UNKNOWN : humanDuration(now - at);
}

/** A column of text. */
export function column<T extends KubeObject>(name: string, value: Column<T>['value'], options: Partial<Column<T>> = {}): Column<T> {
  return { name, type: 'string', value, ...options };
}

/** A column that only `-o wide` shows. */
export const wide = <T extends KubeObject>(name: string, value: Column<T>['value'], options: Partial<Column<T>> = {}): Column<T> =>
  column(name, value, { priority: 1, ...options });

export const NAME: Column = {
  name: 'Name', type: 'string', format: 'name', value: ({ metadata }) => metadata.name,
  description: 'Name must be unique within a namespace.',
};

export const AGE: Column = {
  name: 'Age', type: 'string', value: ({ metadata }, now) => since(metadata.creationTimestamp, now),
  description: 'Time since the server created the object.',
};

/** Custom resources give their dates the type `date`; the server turns them into ages all the same. */
export const DATE: Column = { ...AGE, type: 'date', jsonPath: '.metadata.creationTimestamp' };

/** `a=b,c=d` in the order of the keys; `<none>` when there is nothing. */
export function formatLabels(map: Readonly<Record<string, string>> | undefined): string {
  return selectorToString(selectorFromMap(map)) || NONE;
}

export function formatSelector(selector: meta.LabelSelector | undefined): string {
  try {
    return selectorToString(selectorFromObject(selector)) || NONE;
  } catch (error) {
    if (error instanceof SelectorError) {
      return '<error>';
    }
    throw error;
  }
}

/** Wide columns of what has a pod template. */
export const templateColumns = <T extends KubeObject>(template: (object: T) => core.PodTemplateSpec | undefined): Column<T>[] => [
  wide('Containers', (object) => (template(object)?.spec?.containers ?? []).map(({ name }) => name).join(',')),
  wide('Images', (object) => (template(object)?.spec?.containers ?? []).map(({ image }) => image ?? '').join(',')),
];

interface Replicated extends KubeObject {
  spec: { replicas?: number };
  status?: { replicas?: number; readyReplicas?: number };
}

/** Columns of what keeps a number of pods alike. */
export const replicaColumns = <T extends Replicated>(template: (object: T) => core.PodTemplateSpec | undefined): Column<T>[] => [
  NAME,
  column('Desired', ({ spec }) => spec.replicas ?? 0, { type: 'integer' }),
  column('Current', ({ status }) => status?.replicas ?? 0, { type: 'integer' }),
  column('Ready', ({ status }) => status?.readyReplicas ?? 0, { type: 'integer' }),
  AGE,
  ...templateColumns(template),
];
