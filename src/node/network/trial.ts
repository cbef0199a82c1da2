/** Rules for a probe: everything that Telar asks of nft, for one service of each kind, to be loaded into a namespace that goes with the trial. */
import type { Service } from '../../kinds/generated/core.ts';
import { parseRange } from './address.ts';
import { tableName } from './names.ts';
import { renderBaseRules } from './rules.ts';
import { desiredOf } from './services/desired.ts';
import { Ledger } from './services/ledger.ts';

const SAMPLE = { id: 'trial0', podCidr: '10.42.0.0/16', serviceCidr: '10.43.0.0/16', nodeAddress: '10.42.0.1', dnsAddress: '10.43.0.10' };

function service(name: string, clusterIP: string, sessionAffinity: string): Service {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'trial' }, spec: { clusterIP, sessionAffinity, type: 'NodePort', ports: [{ port: 80, nodePort: 30_000 }] } };
}

/** For `nft -f -`. */
export function trialRules(): string {
  const ledger = new Ledger(tableName(SAMPLE));
  for (const sample of [service('spread', '10.43.0.20', 'None'), service('sticky', '10.43.0.21', 'ClientIP')]) {
    const slice = {
      apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: sample.metadata.name }, addressType: 'IPv4', ports: [{ port: 80 }],
      endpoints: [{ addresses: ['10.42.0.2'] }, { addresses: ['192.0.2.3'] }],
    };
    ledger.set(sample.metadata.name, desiredOf(sample, [slice], {
      nodeName: 'trial', pods: parseRange(SAMPLE.podCidr), dnsAddress: SAMPLE.dnsAddress, places: () => [], nodePortFree: () => sample.metadata.name === 'spread',
    }));
  }
  return renderBaseRules(SAMPLE) + ledger.plan().script;
}
