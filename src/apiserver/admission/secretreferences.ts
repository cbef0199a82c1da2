/** Which Secrets a pod may use: those of its service account, where that asks for it by `kubernetes.io/enforce-mountable-secrets`. */
import type { Container, Pod, PodSpec, ServiceAccount } from '../../kinds/generated/core.ts';

const ENFORCE = 'kubernetes.io/enforce-mountable-secrets';
/** Marks a pod that a node runs by itself and only shows to the API. */
const MIRROR = 'kubernetes.io/config.mirror';

/** Environment of one container that comes from secrets, as sentences' beginnings with the secret's name. */
function environmentSecrets(what: string, { name, env = [], envFrom = [] }: Container): [where: string, secret: string][] {
  return [
    ...env.flatMap((one): [string, string][] => (one.valueFrom?.secretKeyRef === undefined ? []
      : [[`${what} ${name} with envVar ${one.name} referencing`, one.valueFrom.secretKeyRef.name ?? '']])),
    ...envFrom.flatMap((one): [string, string][] => (one.secretRef === undefined ? [] : [[`${what} ${name} with envFrom referencing`, one.secretRef.name ?? '']])),
  ];
}

function secretsOf(spec: PodSpec): [where: string, secret: string][] {
  return [
    ...(spec.volumes ?? []).flatMap(({ secret }): [string, string][] => (secret === undefined ? [] : [['volume with', secret.secretName ?? '']])),
    ...(spec.initContainers ?? []).flatMap((container) => environmentSecrets('init container', container)),
    ...(spec.containers ?? []).flatMap((container) => environmentSecrets('container', container)),
    ...(spec.ephemeralContainers ?? []).flatMap((container) => environmentSecrets('ephemeral container', container)),
  ];
}

/** Why a pod may not use what it names; undefined when it may. */
export function secretRefusal({ spec }: Pod, account: ServiceAccount): string | undefined {
  if (account.metadata.annotations?.[ENFORCE] !== 'true') {
    return undefined;
  }
  const { name } = account.metadata;
  const mountable = new Set((account.secrets ?? []).map((secret) => secret.name));
  const wrong = secretsOf(spec).find(([, secret]) => !mountable.has(secret));
  if (wrong !== undefined) {
    return `${wrong[0]} secret.secretName=${JSON.stringify(wrong[1])} is not allowed because service account ${name} does not reference that secret`;
  }
  const pullable = new Set((account.imagePullSecrets ?? []).map((secret) => secret.name));
  const index = (spec.imagePullSecrets ?? []).findIndex((secret) => !pullable.has(secret.name));
  return index < 0 ? undefined : `imagePullSecrets[${index}].name=${JSON.stringify(spec.imagePullSecrets?.[index]?.name ?? '')} is not allowed because `
    + `service account ${name} does not reference that imagePullSecret`;
}

export const isMirror = ({ metadata }: Pod): boolean => metadata.annotations?.[MIRROR] !== undefined;

/** A mirror pod has no rights of its own: the node runs it whatever the API says. */
export function mirrorRefusal({ spec }: Pod): string | undefined {
  if ((spec.serviceAccountName ?? '') !== '') {
    return 'a mirror pod may not reference service accounts';
  }
  if (secretsOf(spec).length > 0) {
    return 'a mirror pod may not reference secrets';
  }
  const tokens = (spec.volumes ?? []).some(({ projected }) => (projected?.sources ?? []).some((source) => source.serviceAccountToken !== undefined));
  return tokens ? 'a mirror pod may not use ServiceAccountToken volume projections' : undefined;
}
