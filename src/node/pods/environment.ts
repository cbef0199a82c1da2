/** Environment, command and arguments of a container, references resolved and `$(VAR)` expanded as Kubernetes does. */
import type { Container, EnvFromSource, EnvVar, EnvVarSource, Pod, Service } from '../../kinds/generated/core.ts';
import { secretData } from '../volumes/payload.ts';
import { fieldValue, resourceValue } from './downward.ts';
import type { NodeAllocatable, PodAddresses } from './downward.ts';
import { PodStartError } from './errors.ts';
import type { ObjectSource } from './objects.ts';
import { serviceVariables } from './servicelinks.ts';

export interface EnvironmentContext {
  pod: Pod;
  objects: ObjectSource;
  addresses: PodAddresses;
  allocatable: NodeAllocatable;
  /** Services of the pod's namespace and `kubernetes` of `default`. */
  services: readonly Service[];
}

const configError = (message: string): PodStartError => new PodStartError('CreateContainerConfigError', message);

/**
 * `$(NAME)` becomes its value, `$$` one `$`; a name that is unknown stays as written
 * (k8s.io/kubernetes/third_party/forked/golang/expansion).
 */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  return text.replace(/\$(\$|\(([^)]*)\))/g, (whole, kind: string, name: string | undefined) =>
    kind === '$' ? '$' : lookup(name ?? '') ?? whole);
}

interface Reference {
  kind: 'configmap' | 'secret';
  name: string;
  optional: boolean;
}

/** The object's values as text; undefined when it is missing and may be. */
async function readObject(reference: Reference, context: EnvironmentContext): Promise<Map<string, string> | undefined> {
  const { pod, objects } = context;
  const [uid, namespace] = [pod.metadata.uid ?? '', pod.metadata.namespace ?? 'default'];
  if (reference.kind === 'configmap') {
    const object = await objects.configMap(uid, namespace, reference.name);
    if (object !== undefined) {
      return new Map(Object.entries(object.data ?? {}));
    }
  } else {
    const object = await objects.secret(uid, namespace, reference.name);
    if (object !== undefined) {
      return new Map([...secretData(object)].map(([key, value]) => [key, value.toString()]));
    }
  }
  if (!reference.optional) {
    throw configError(`${reference.kind} "${reference.name}" not found`);
  }
  return undefined;
}

async function fromSource(source: EnvFromSource, context: EnvironmentContext): Promise<[string, string][]> {
  const ref = source.configMapRef ?? source.secretRef;
  if (ref === undefined) {
    return [];
  }
  const kind = source.configMapRef === undefined ? 'secret' : 'configmap';
  const values = await readObject({ kind, name: ref.name ?? '', optional: ref.optional ?? false }, context);
  return [...values ?? []].map(([key, value]) => [`${source.prefix ?? ''}${key}`, value]);
}

async function keyValue(source: EnvVarSource, context: EnvironmentContext): Promise<string | undefined> {
  const kind = source.configMapKeyRef === undefined ? 'secret' : 'configmap';
  const { name = '', key = '', optional = false } = source.configMapKeyRef ?? source.secretKeyRef ?? {};
  const values = await readObject({ kind, name, optional }, context);
  const value = values?.get(key);
  if (value === undefined && !optional) {
    const namespace = context.pod.metadata.namespace ?? 'default';
    throw configError(`couldn't find key ${key} in ${kind === 'configmap' ? 'ConfigMap' : 'Secret'} ${namespace}/${name}`);
  }
  return value;
}

async function valueFrom(variable: EnvVar, source: EnvVarSource, container: Container, context: EnvironmentContext): Promise<string | undefined> {
  if (source.fieldRef !== undefined) {
    const value = fieldValue(context.pod, source.fieldRef, context.addresses);
    if (value === undefined) {
      throw configError(`env ${variable.name}: unsupported fieldPath: ${source.fieldRef.fieldPath}`);
    }
    return value;
  }
  if (source.resourceFieldRef !== undefined) {
    const value = resourceValue(context.pod, source.resourceFieldRef, container, context.allocatable);
    if (value === undefined) {
      throw configError(`env ${variable.name}: unsupported resource: ${source.resourceFieldRef.resource}`);
    }
    return value;
  }
  if (source.configMapKeyRef !== undefined || source.secretKeyRef !== undefined) {
    return await keyValue(source, context);
  }
  throw configError(`env ${variable.name}: its valueFrom is of a kind this node does not know`);
}

/** Throws PodStartError CreateContainerConfigError when something referred to is missing. */
export async function containerEnvironment(container: Container, context: EnvironmentContext): Promise<Record<string, string>> {
  const links = serviceVariables(context.services, context.pod);
  const result = new Map<string, string>();
  for (const source of container.envFrom ?? []) {
    for (const [name, value] of await fromSource(source, context)) {
      result.set(name, value);
    }
  }
  const lookup = (name: string): string | undefined => result.get(name) ?? links[name];
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom === undefined ? expand(variable.value ?? '', lookup)
      : await valueFrom(variable, variable.valueFrom, container, context);
    if (value !== undefined) {
      result.set(variable.name, value);
    }
  }
  return { ...links, ...Object.fromEntries(result) };
}
