/** Volumes and claims: the class of claims that name none, protection of what is in use, and which claims may grow. */
import type { KubeObject } from '../../apimachinery/object.ts';
import { compareQuantities } from '../../apimachinery/quantity.ts';
import { forbidden } from '../../apimachinery/status.ts';
import type { StorageClass } from '../../kinds/generated/storage.ts';
import { typed } from '../../kinds/typed.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';
const IS_DEFAULT = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'];
const PROTECTION: Readonly<Record<string, string>> = {
  persistentvolumeclaims: 'kubernetes.io/pvc-protection', persistentvolumes: 'kubernetes.io/pv-protection',
};

const isCore = ({ kind, subresource }: AdmissionRequest, plural: string): boolean => kind.group === '' && kind.plural === plural && subresource === '';

/** The newest of the objects marked as default; of those made in the same second the first by name. */
export function newestDefault(objects: readonly KubeObject[], annotations: readonly string[]): KubeObject | undefined {
  return objects.filter(({ metadata }) => annotations.some((name) => metadata.annotations?.[name] === 'true'))
    .sort(({ metadata: a }, { metadata: b }) => {
      const [made, other] = [a.creationTimestamp ?? '', b.creationTimestamp ?? ''];
      return made === other ? (a.name < b.name ? -1 : 1) : made > other ? -1 : 1;
    })[0];
}

/** `classes` gives all StorageClasses. */
export function defaultStorageClass(classes: () => readonly KubeObject[]): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
    admit(request): void {
      if (request.operation !== 'CREATE' || request.object === undefined || !isCore(request, 'persistentvolumeclaims')) {
        return;
      }
      const claim = typed('v1 PersistentVolumeClaim', request.object);
      // An empty name asks for a volume without a class.
      if (claim.spec.storageClassName !== undefined || claim.metadata.annotations?.[CLASS_ANNOTATION] !== undefined) {
        return;
      }
      const found = newestDefault(classes(), IS_DEFAULT);
      if (found !== undefined) {
        claim.spec.storageClassName = found.metadata.name;
      }
    },
  };
}

/** Claims and volumes are not removed while they are in use: a controller takes the finalizer off. */
export const storageProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  admit(request): void {
    const { operation, kind, object } = request;
    const finalizer = kind.group === '' && Object.hasOwn(PROTECTION, kind.plural) ? PROTECTION[kind.plural] : undefined;
    if (operation !== 'CREATE' || object === undefined || request.subresource !== '' || finalizer === undefined) {
      return;
    }
    const present = object.metadata.finalizers ?? [];
    if (!present.includes(finalizer)) {
      object.metadata.finalizers = [...present, finalizer];
    }
  },
};

const asClass = (object: KubeObject | undefined): StorageClass | undefined => (object === undefined ? undefined : typed('storage.k8s.io/v1 StorageClass', object));

/** The volume of a claim may grow if it exists and its class says so. */
function checkGrowth(object: KubeObject, old: KubeObject, classOf: (name: string) => KubeObject | undefined): void {
  const [now, before] = [typed('v1 PersistentVolumeClaim', object), typed('v1 PersistentVolumeClaim', old)];
  const [size, oldSize] = [now, before].map(({ spec }) => spec.resources?.requests?.['storage'] ?? '0');
  if (compareQuantities(size ?? '0', oldSize ?? '0') <= 0) {
    return;
  }
  const refuse = (why: string): Error => forbidden({ group: '', resource: 'persistentvolumeclaims', name: old.metadata.name }, why);
  if (before.status?.phase !== 'Bound') {
    throw refuse('Only bound persistent volume claims can be expanded');
  }
  const className = now.metadata.annotations?.[CLASS_ANNOTATION] ?? now.spec.storageClassName ?? '';
  const found = className === '' ? undefined : asClass(classOf(className));
  if (found?.allowVolumeExpansion !== true) {
    throw refuse('only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize');
  }
}

/** `classOf` gives the StorageClass of a name. */
export function claimResize(classOf: (name: string) => KubeObject | undefined): AdmissionPlugin {
  return {
    name: 'PersistentVolumeClaimResize',
    validate(request): void {
      const { operation, object, old } = request;
      if (operation === 'UPDATE' && object !== undefined && old !== undefined && isCore(request, 'persistentvolumeclaims')) {
        checkGrowth(object, old, classOf);
      }
    },
  };
}
