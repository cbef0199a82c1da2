/** The Restricted standard at its latest version: hardened pods. Texts are k8s.io/pod-security-admission/policy's own. */
import type { Volume } from '../../../kinds/generated/core.ts';
import { seccompSetters, badSetters } from './baseline.ts';
import { containersNamed, containersOf, isWindows, namesWhere, plural, quoted, sorted, type Check } from './check.ts';

const VOLUME_TYPES = new Set(['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim', 'projected', 'secret']);

const allowPrivilegeEscalation: Check = {
  id: 'allowPrivilegeEscalation', level: 'restricted',
  run({ spec }) {
    const bad = isWindows(spec) ? [] : namesWhere(spec, ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false);
    return bad.length === 0 ? undefined
      : { reason: 'allowPrivilegeEscalation != false', detail: `${containersNamed(bad)} must set securityContext.allowPrivilegeEscalation=false` };
  },
};

const capabilities: Check = {
  id: 'capabilities_restricted', level: 'restricted', overrides: ['capabilities_baseline'],
  run({ spec }) {
    if (isWindows(spec)) {
      return undefined;
    }
    const keeping = namesWhere(spec, ({ securityContext }) => !(securityContext?.capabilities?.drop ?? []).includes('ALL'));
    const extra = (added: readonly string[] | undefined): string[] => (added ?? []).filter((name) => name !== 'NET_BIND_SERVICE');
    const adding = namesWhere(spec, ({ securityContext }) => extra(securityContext?.capabilities?.add).length > 0);
    const details = [
      ...(keeping.length === 0 ? [] : [`${containersNamed(keeping)} must set securityContext.capabilities.drop=["ALL"]`]),
      ...(adding.length === 0 ? [] : [`${containersNamed(adding)} must not include `
        + `${quoted(sorted(containersOf(spec).flatMap(({ securityContext }) => extra(securityContext?.capabilities?.add))))} in securityContext.capabilities.add`]),
    ];
    return details.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: details.join('; ') };
  },
};

/** The member that says of what kind a volume is. */
const typeOf = ({ name: _name, ...source }: Volume): string => Object.keys(source)[0] ?? 'emptyDir';

const volumes: Check = {
  id: 'restrictedVolumes', level: 'restricted', overrides: ['hostPathVolumes'],
  run({ spec }) {
    const bad = (spec.volumes ?? []).filter((volume) => !VOLUME_TYPES.has(typeOf(volume)));
    const types = sorted(bad.map(typeOf));
    return bad.length === 0 ? undefined : {
      reason: 'restricted volume types',
      detail: `${plural('volume', 'volumes', bad.length)} ${quoted(bad.map(({ name }) => name))} ${plural('uses', 'use', bad.length)} `
        + `${plural('restricted volume type', 'restricted volume types', types.length)} ${quoted(types)}`,
    };
  },
};

const runAsNonRoot: Check = {
  id: 'runAsNonRoot', level: 'restricted',
  run({ spec }) {
    const ofPod = spec.securityContext?.runAsNonRoot;
    const explicit = namesWhere(spec, ({ securityContext }) => securityContext?.runAsNonRoot === false);
    const implicit = ofPod === true ? [] : namesWhere(spec, ({ securityContext }) => securityContext?.runAsNonRoot === undefined);
    const setters = [
      ...(ofPod === false ? ['pod must not set securityContext.runAsNonRoot=false'] : []),
      ...(explicit.length === 0 ? [] : [`${containersNamed(explicit)} must not set securityContext.runAsNonRoot=false`]),
    ];
    if (setters.length > 0) {
      return { reason: 'runAsNonRoot != true', detail: setters.join('; ') };
    }
    return implicit.length === 0 ? undefined : { reason: 'runAsNonRoot != true', detail: `pod or ${containersNamed(implicit)} must set securityContext.runAsNonRoot=true` };
  },
};

const runAsUser: Check = {
  id: 'runAsUser', level: 'restricted',
  run({ spec }) {
    const { who } = badSetters(spec, spec.securityContext?.runAsUser, ({ securityContext }) => securityContext?.runAsUser, (user) => (user === 0 ? '0' : undefined));
    return who.length === 0 ? undefined : { reason: 'runAsUser=0', detail: `${who.join(' and ')} must not set runAsUser=0` };
  },
};

const seccompProfile: Check = {
  id: 'seccompProfile_restricted', level: 'restricted', overrides: ['seccompProfile_baseline'],
  run({ spec }) {
    if (isWindows(spec)) {
      return undefined;
    }
    const { who, values } = seccompSetters(spec);
    if (who.length > 0) {
      return { reason: 'seccompProfile', detail: `${who.join(' and ')} must not set securityContext.seccompProfile.type to ${quoted(values)}` };
    }
    const silent = spec.securityContext?.seccompProfile !== undefined ? []
      : namesWhere(spec, ({ securityContext }) => securityContext?.seccompProfile === undefined);
    return silent.length === 0 ? undefined
      : { reason: 'seccompProfile', detail: `pod or ${containersNamed(silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"` };
  },
};

export const RESTRICTED: readonly Check[] = [allowPrivilegeEscalation, capabilities, volumes, runAsNonRoot, runAsUser, seccompProfile];
