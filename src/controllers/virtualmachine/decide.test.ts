import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VirtualMachine, VirtualMachineInstance, VirtualMachineStatus } from '../../kinds/generated/kubevirt.ts';
import { ANNOTATION_QUEUE_STATE, ANNOTATION_SUSPEND, LABEL_QUEUE_NAME } from '../../kinds/kubevirt/wellknown.ts';
import { backoffSeconds, decide, pendingRequests, startFailure, type Action, type RunStrategy } from './decide.ts';

const NOW = new Date('2026-01-01T00:00:00Z');

function vm(runStrategy: RunStrategy, status: VirtualMachineStatus = {}): VirtualMachine {
  return {
    apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', metadata: { name: 'box', namespace: 'default', uid: 'vm-uid' },
    spec: { runStrategy, template: {} }, status: { runStrategy, ...status },
  };
}

function vmi(phase: string, extra: { deleting?: boolean; uid?: string; ran?: boolean } = {}): VirtualMachineInstance {
  return {
    apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance',
    metadata: {
      name: 'box', namespace: 'default', uid: extra.uid ?? 'vmi-uid',
      ...(extra.deleting === true ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: { domain: { devices: {} } },
    status: { phase, phaseTransitionTimestamps: extra.ran === true ? [{ phase: 'Running' }] : [] },
  };
}

const START = { stateChangeRequests: [{ action: 'Start' }] };
const STOP = { stateChangeRequests: [{ action: 'Stop', uid: 'vmi-uid' }] };
const RESTART = { stateChangeRequests: [{ action: 'Stop', uid: 'vmi-uid' }, { action: 'Start' }] };
const STOP_OTHER = { stateChangeRequests: [{ action: 'Stop', uid: 'another' }] };

const CREATE: Action = { type: 'create', paused: false };
const DELETE: Action = { type: 'delete' };

type State = 'none' | 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'deleting';
const instance = (state: State): VirtualMachineInstance | undefined => {
  switch (state) {
    case 'none': return undefined;
    case 'deleting': return vmi('Running', { deleting: true });
    default: return vmi(state, { ran: true });
  }
};

/** Strategy, instance, requests → actions. */
const TABLE: [RunStrategy, State, VirtualMachineStatus, Action[]][] = [
  ['Always', 'none', {}, [CREATE]],
  ['Always', 'Pending', {}, []],
  ['Always', 'Running', {}, []],
  ['Always', 'Succeeded', {}, [DELETE]],
  ['Always', 'Failed', {}, [DELETE]],
  ['Always', 'Running', STOP, [DELETE]],
  ['Always', 'Running', RESTART, [DELETE]],
  ['Always', 'Running', STOP_OTHER, []],
  ['Always', 'deleting', RESTART, []],
  ['Always', 'none', START, [CREATE]],

  ['RerunOnFailure', 'none', {}, []],
  ['RerunOnFailure', 'none', { runStrategy: 'Halted' }, [CREATE]],
  ['RerunOnFailure', 'none', START, [CREATE]],
  ['RerunOnFailure', 'Running', {}, []],
  ['RerunOnFailure', 'Running', STOP, [DELETE]],
  ['RerunOnFailure', 'Succeeded', {}, [DELETE]],
  ['RerunOnFailure', 'Failed', {}, [{ type: 'requestStart' }, DELETE]],
  ['RerunOnFailure', 'Failed', START, [DELETE]],
  ['RerunOnFailure', 'deleting', {}, []],

  ['Manual', 'none', {}, []],
  ['Manual', 'none', START, [CREATE]],
  ['Manual', 'none', STOP_OTHER, []],
  ['Manual', 'Running', {}, []],
  ['Manual', 'Running', STOP, [DELETE]],
  ['Manual', 'Running', RESTART, [DELETE]],
  ['Manual', 'Succeeded', {}, []],
  ['Manual', 'Failed', {}, []],
  ['Manual', 'Succeeded', RESTART, [DELETE]],

  ['Halted', 'none', {}, []],
  ['Halted', 'none', START, [{ type: 'setRunning' }]],
  ['Halted', 'Running', {}, [DELETE]],
  ['Halted', 'Succeeded', {}, [DELETE]],
  ['Halted', 'Failed', {}, [DELETE]],
  ['Halted', 'deleting', {}, []],

  ['Once', 'none', {}, [CREATE]],
  ['Once', 'Running', {}, []],
  ['Once', 'Succeeded', {}, []],
  ['Once', 'Failed', {}, []],
];

for (const [strategy, state, status, expected] of TABLE) {
  const requests = (status.stateChangeRequests ?? []).map(({ action, uid }) => `${action}${uid === 'another' ? ' of another' : ''}`).join('+');
  test(`${strategy}, instance ${state}${requests === '' ? '' : `, asked ${requests}`}${status.runStrategy === undefined ? '' : ', newly set'}`, () => {
    assert.deepEqual(decide(vm(strategy, status), instance(state), NOW), expected);
  });
}

test('`running` is a strategy too', () => {
  const object = vm('Halted');
  object.spec = { running: true, template: {} };
  assert.deepEqual(decide(object, undefined, NOW), [CREATE]);
  object.spec = { running: false, template: {} };
  assert.deepEqual(decide(object, vmi('Running'), NOW), [DELETE]);
});

test('a machine being deleted only ends its instance', () => {
  const object = vm('Always');
  object.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
  assert.deepEqual(decide(object, undefined, NOW), []);
  assert.deepEqual(decide(object, vmi('Running'), NOW), [DELETE]);
  assert.deepEqual(decide(object, vmi('Running', { deleting: true }), NOW), []);
});

test('a start asked for as paused makes a paused instance', () => {
  const object = vm('Manual', { stateChangeRequests: [{ action: 'Start', data: { paused: 'true' } }] });
  assert.deepEqual(decide(object, undefined, NOW), [{ type: 'create', paused: true }]);
});

test('failed starts wait 10·n² seconds and up to half as much again, at most 300', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6].map((n) => backoffSeconds(n, 0)), [10, 40, 90, 160, 250, 300]);
  assert.deepEqual([1, 2, 5].map((n) => backoffSeconds(n, 1)), [15, 60, 300]);
  const waiting = vm('Always', { startFailure: { consecutiveFailCount: 1, retryAfterTimestamp: '2026-01-01T00:00:10Z' } });
  assert.deepEqual(decide(waiting, undefined, NOW), [{ type: 'wait', ms: 10_000 }]);
  assert.deepEqual(decide(waiting, undefined, new Date('2026-01-01T00:00:10Z')), [CREATE]);
});

test('an instance that ended before it ran counts once; one that ran clears the count', () => {
  const first = startFailure(vm('Always'), vmi('Failed'), NOW, 0);
  assert.deepEqual(first, { consecutiveFailCount: 1, lastFailedVMIUID: 'vmi-uid', retryAfterTimestamp: '2026-01-01T00:00:10Z' });
  const counted = vm('Always', { startFailure: first ?? {} });
  assert.equal(startFailure(counted, vmi('Failed'), NOW, 0), counted.status?.startFailure);
  assert.equal(startFailure(counted, vmi('Failed', { uid: 'next' }), NOW, 0)?.consecutiveFailCount, 2);
  assert.equal(startFailure(counted, vmi('Scheduling', { uid: 'next' }), NOW, 0)?.consecutiveFailCount, 1);
  assert.equal(startFailure(counted, undefined, NOW, 0)?.consecutiveFailCount, 1);
  assert.equal(startFailure(counted, vmi('Running', { uid: 'next' }), NOW, 0), undefined);
  assert.equal(startFailure(counted, vmi('Failed', { uid: 'next', ran: true }), NOW, 0), undefined);
});

test('a Stop ends with its instance, a Start with a live one', () => {
  const actions = (status: VirtualMachineStatus, of: VirtualMachineInstance | undefined): string[] =>
    pendingRequests(vm('Manual', status), of).map(({ action }) => action);
  assert.deepEqual(actions(RESTART, vmi('Running')), ['Stop', 'Start']);
  assert.deepEqual(actions(RESTART, vmi('Running', { deleting: true })), ['Stop', 'Start']);
  assert.deepEqual(actions(RESTART, undefined), ['Start']);
  assert.deepEqual(actions(RESTART, vmi('Pending', { uid: 'new' })), []);
  assert.deepEqual(actions(STOP, undefined), []);
  assert.deepEqual(actions(START, vmi('Failed')), ['Start']);
  assert.deepEqual(actions(START, vmi('Scheduling')), []);
});

type Wish = 'queued' | 'pending' | 'admitted' | 'stopped' | 'suspended' | 'own wish' | 'none';
type Guest = 'none' | 'Scheduling' | 'Running' | 'asked' | 'saved' | 'saved and ended' | 'Failed';

function held(strategy: RunStrategy, wish: Wish, status: VirtualMachineStatus = {}): VirtualMachine {
  const object = vm(strategy, status);
  if (wish === 'own wish') {
    object.metadata.annotations = { [ANNOTATION_SUSPEND]: 'true' };
  } else if (wish !== 'none') {
    object.metadata.labels = { [LABEL_QUEUE_NAME]: 'team' };
    object.metadata.annotations = wish === 'queued' ? {} : { [ANNOTATION_QUEUE_STATE]: wish };
  }
  return object;
}

function guest(state: Guest): VirtualMachineInstance | undefined {
  if (state === 'none') {
    return undefined;
  }
  const plain = state === 'Scheduling' || state === 'Running' || state === 'Failed';
  const object = vmi(plain ? state : state === 'saved and ended' ? 'Succeeded' : 'Running', { ran: state !== 'Scheduling' });
  if (!plain) {
    object.metadata.annotations = { [ANNOTATION_SUSPEND]: 'true' };
  }
  if (state === 'saved' || state === 'saved and ended') {
    object.status = { ...object.status, conditions: [{ type: 'Suspended', status: 'True' }] };
  }
  return object;
}

/** Strategy, what holds the machine, its guest, whether one is on disk, requests → actions. */
const HOLDS: [RunStrategy, Wish, Guest, boolean, Action[], VirtualMachineStatus?][] = [
  ['Always', 'queued', 'none', false, []],
  ['Always', 'pending', 'none', false, []],
  ['Manual', 'pending', 'none', false, [], START],
  ['Always', 'admitted', 'none', false, [CREATE]],
  ['Manual', 'admitted', 'none', false, []],
  ['Always', 'stopped', 'Running', false, [DELETE]],
  ['Always', 'stopped', 'none', true, []],
  ['Always', 'suspended', 'Running', false, [{ type: 'suspend' }]],
  ['Always', 'own wish', 'Running', false, [{ type: 'suspend' }]],
  ['Always', 'suspended', 'asked', true, []],
  ['Always', 'suspended', 'Scheduling', false, [DELETE]],
  ['Always', 'suspended', 'Running', false, [DELETE], STOP],
  ['Always', 'suspended', 'saved', true, []],
  ['Always', 'suspended', 'saved and ended', true, [DELETE]],
  ['Once', 'suspended', 'saved and ended', true, [DELETE]],
  ['Always', 'suspended', 'Failed', true, [DELETE]],
  ['Always', 'suspended', 'none', true, []],
  ['Halted', 'suspended', 'Running', false, [DELETE]],
  ['Halted', 'admitted', 'none', true, []],
  ['Always', 'admitted', 'asked', true, [{ type: 'unsuspend' }]],
  ['Always', 'admitted', 'saved', true, []],
  ['RerunOnFailure', 'admitted', 'none', true, [CREATE]],
  ['Manual', 'none', 'none', true, [CREATE]],
  ['Once', 'admitted', 'none', true, [CREATE]],
];

for (const [strategy, wish, state, saved, expected, status] of HOLDS) {
  test(`${strategy}, ${wish}: guest ${state}${saved ? ', one on disk' : ''}${status === undefined ? '' : ', with a request'}`, () => {
    assert.deepEqual(decide(held(strategy, wish, status), guest(state), NOW, saved), expected);
  });
}
