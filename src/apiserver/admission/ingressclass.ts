/** Ingresses that name no class get the default one. */
import type { KubeObject } from '../../apimachinery/object.ts';
import { typed } from '../../kinds/typed.ts';
import type { AdmissionPlugin } from './admission.ts';
import { newestDefault } from './storage.ts';

const IS_DEFAULT = ['ingressclass.kubernetes.io/is-default-class'];
const OLD_CLASS = 'kubernetes.io/ingress.class';

/** `classes` gives all IngressClasses. */
export function defaultIngressClass(classes: () => readonly KubeObject[]): AdmissionPlugin {
  return {
    name: 'DefaultIngressClass',
    admit({ operation, kind, subresource, object }): void {
      if (operation !== 'CREATE' || object === undefined || kind.group !== 'networking.k8s.io' || kind.plural !== 'ingresses' || subresource !== '') {
        return;
      }
      const ingress = typed('networking.k8s.io/v1 Ingress', object);
      if (ingress.spec?.ingressClassName !== undefined || ingress.metadata.annotations?.[OLD_CLASS] !== undefined) {
        return;
      }
      const found = newestDefault(classes(), IS_DEFAULT);
      if (found !== undefined) {
        ingress.spec = { ...ingress.spec, ingressClassName: found.metadata.name };
      }
    },
  };
}
