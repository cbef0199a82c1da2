/** Pods stay five minutes on a node that fails, unless they say otherwise; nodes take nothing before they have said that they are ready. */
import type { Pod, Taint, Toleration } from '../../kinds/generated/core.ts';
import { typed } from '../../kinds/typed.ts';
import type { AdmissionPlugin } from './admission.ts';

const NOT_READY = 'node.kubernetes.io/not-ready';
const UNREACHABLE = 'node.kubernetes.io/unreachable';
/** kube-apiserver's `--default-not-ready-toleration-seconds`. */
const STAY_SECONDS = 300;

const covers = ({ key, effect }: Toleration, taint: string): boolean =>
  (key === undefined || key === '' || key === taint) && (effect === undefined || effect === '' || effect === 'NoExecute');

function tolerate(pod: Pod): void {
  const present = pod.spec.tolerations ?? [];
  const added = [NOT_READY, UNREACHABLE].filter((taint) => !present.some((toleration) => covers(toleration, taint)))
    .map((key): Toleration => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: STAY_SECONDS }));
  if (added.length > 0) {
    pod.spec.tolerations = [...present, ...added];
  }
}

export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  admit({ operation, kind, subresource, object }): void {
    if (object !== undefined && kind.group === '' && kind.plural === 'pods' && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE')) {
      tolerate(typed('v1 Pod', object));
    }
  },
};

const isTaint = (taint: Taint): boolean => taint.key === NOT_READY && taint.effect === 'NoSchedule';

/** A new node is tainted until the node controller has seen it ready. */
export const taintNewNodes: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  admit({ operation, kind, subresource, object }): void {
    if (operation !== 'CREATE' || object === undefined || kind.group !== '' || kind.plural !== 'nodes' || subresource !== '') {
      return;
    }
    const node = typed('v1 Node', object);
    const taints = node.spec.taints ?? [];
    if (!taints.some(isTaint)) {
      node.spec.taints = [...taints, { key: NOT_READY, effect: 'NoSchedule' }];
    }
  },
};
