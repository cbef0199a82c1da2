/**
 * Whom each controller is to the API server: the service account of Kubernetes' controller that does the same work, so that its role
 * (`system:controller:…`) says what it may do. What all of them watch together is watched as the controller manager.
 */
import type { Identity } from './context.ts';

const NAMESPACE = 'kube-system';

export const CONTROLLER_MANAGER: Identity = { name: 'system:kube-controller-manager', groups: ['system:authenticated'] };
const SCHEDULER: Identity = { name: 'system:kube-scheduler', groups: ['system:authenticated'] };

/** Controllers whose accounts have other names than `<controller>-controller`. */
const ACCOUNTS: Readonly<Record<string, string>> = {
  clusterroleaggregation: 'clusterrole-aggregation-controller', eventttl: 'event-ttl-controller', garbagecollector: 'generic-garbage-collector',
  pvcprotection: 'pvc-protection-controller', pvprotection: 'pv-protection-controller', resourceclaim: 'resource-claim-controller', serviceaccount: 'service-account-controller',
};

export function identityOf(controller: string): Identity {
  if (controller === 'scheduler') {
    return SCHEDULER;
  }
  const account = ACCOUNTS[controller] ?? `${controller}-controller`;
  return {
    name: `system:serviceaccount:${NAMESPACE}:${account}`, groups: ['system:serviceaccounts', `system:serviceaccounts:${NAMESPACE}`, 'system:authenticated'],
  };
}
