import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubeObject, OwnerReference } from '../../apimachinery/object.ts';
import type { Estate, Shown } from './estate.ts';
import { rowsOf } from './rows.ts';

const owner = (kind: string, uid: string): OwnerReference[] => [{ apiVersion: 'v1', kind, name: uid, uid, controller: true }];

function object(kind: string, name: string, rest: { ownerReferences?: OwnerReference[]; [key: string]: unknown } = {}): KubeObject {
  const { ownerReferences, ...more } = rest;
  return { apiVersion: 'v1', kind, metadata: { name, namespace: 'shop', uid: name, creationTimestamp: '2026-01-01T00:00:00Z', ...(ownerReferences === undefined ? {} : { ownerReferences }) }, ...more };
}

const shown = (one: KubeObject, cells: Record<string, string> = {}): Shown => ({ object: one, cells: new Map(Object.entries(cells)) });

const pod = (name: string, ownerReferences: OwnerReference[] | undefined, ip: string, restartCount = 0): KubeObject => object('Pod', name, {
  ...(ownerReferences === undefined ? {} : { ownerReferences }),
  spec: { nodeName: 'here', containers: [{ resources: { requests: { memory: '64Mi' }, limits: { memory: '1Gi', cpu: '500m' } } }] },
  status: { phase: 'Running', podIP: ip, containerStatuses: [{ restartCount }] },
});

const estate: Estate = {
  workloads: [
    shown(object('Deployment', 'web', { spec: { replicas: 2 }, status: { readyReplicas: 1 } })),
    shown(object('VirtualMachine', 'legacy', { status: { printableStatus: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } })),
    shown(object('Job', 'check', { spec: { completions: 1 }, status: { succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] } })),
    shown(object('Job', 'nightly-1', { ownerReferences: owner('CronJob', 'nightly'), spec: {}, status: {} })),
    shown(object('CronJob', 'nightly', { spec: {} })),
  ],
  between: new Map([['web-1', object('ReplicaSet', 'web-1', { ownerReferences: owner('Deployment', 'web') })], ['legacy-i', object('VirtualMachineInstance', 'legacy-i', { ownerReferences: owner('VirtualMachine', 'legacy') })]]),
  pods: [
    shown(pod('web-1-a', owner('ReplicaSet', 'web-1'), '10.42.0.2', 2), { status: 'Running', ready: '1/1' }),
    shown(pod('web-1-b', owner('ReplicaSet', 'web-1'), '10.42.0.3'), { status: 'Running', ready: '0/1' }),
    shown(pod('virt-launcher-legacy', owner('VirtualMachineInstance', 'legacy-i'), '10.42.0.4')),
    shown(pod('alone', undefined, '10.42.0.5'), { status: 'CrashLoopBackOff', ready: '0/1' }),
    shown(pod('stray', owner('ReplicaSet', 'elsewhere'), '10.42.0.6'), { status: 'Running', ready: '1/1' }),
  ],
  usage: new Map([['shop/web-1-a', { cpu: 0.1, memory: 10 }], ['shop/web-1-b', { cpu: 0.2, memory: 20 }]]),
};

describe('telar ps', () => {
  const rows = new Map(rowsOf(estate).map((row) => [row.name, row]));

  it('has one row a workload, and one a pod that belongs to none', () => {
    assert.deepEqual([...rows.keys()], ['alone', 'check', 'legacy', 'nightly', 'stray', 'web']);
  });

  it('adds up what the pods of a workload use, asked for and went through', () => {
    const web = rows.get('web');
    assert.deepEqual([web?.ready, web?.status, web?.restarts, web?.memoryAsked, web?.cpuAsked], ['1/2', 'Progressing', 2, 128 * 1024 ** 2, 1]);
    assert.ok(web?.cpu !== null && Math.abs((web?.cpu ?? 0) - 0.3) < 1e-9);
    assert.deepEqual([web?.memory, web?.addresses, web?.nodes], [30, ['10.42.0.2', '10.42.0.3'], ['here']]);
  });

  it('shows a virtual machine by its instance’s pod, and says when nobody knows what it uses', () => {
    const legacy = rows.get('legacy');
    assert.deepEqual([legacy?.kind, legacy?.status, legacy?.ready, legacy?.addresses, legacy?.memory], ['VirtualMachine', 'Running', '1/1', ['10.42.0.4'], null]);
  });

  it('takes a lone pod’s status from what the server prints', () => {
    assert.deepEqual([rows.get('alone')?.status, rows.get('alone')?.ready, rows.get('check')?.status], ['CrashLoopBackOff', '0/1', 'Complete']);
  });
});
