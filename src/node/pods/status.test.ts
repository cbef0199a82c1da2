/** Pure parts of pods: status, restarts, environment, resources, probes. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { Container, Pod, PodSpec } from '../../kinds/generated/core.ts';
import { BackOff, goDuration } from './backoff.ts';
import { fieldValue, resourceValue } from './downward.ts';
import { expand } from './environment.ts';
import { Gate } from './gate.ts';
import { Prober } from './prober.ts';
import { cpuShares, oomScore, qosClass, resourceLimits } from './resources.ts';
import { serviceVariables } from './servicelinks.ts';
import { recordsFromStatus, shouldRestart } from './state.ts';
import type { ContainerRecord, PodState } from './state.ts';
import { phaseOf, podStatus } from './status.ts';

const pod = (spec: Partial<PodSpec>, metadata: Partial<Pod['metadata']> = {}): Pod => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'ns', uid: 'u', ...metadata }, spec: { containers: [{ name: 'a' }], ...spec },
});

const record = (name: string, patch: Partial<ContainerRecord> = {}): ContainerRecord => ({
  name, kind: 'app', phase: 'waiting', attempt: -1, id: '', imageId: '', waiting: { reason: 'ContainerCreating' }, started: false, ready: false, ...patch,
});
const running: Partial<ContainerRecord> = { phase: 'running', attempt: 0, id: 'x', started: true, ready: true };
const ended = (exitCode: number): Partial<ContainerRecord> => ({ phase: 'exited', attempt: 0, id: 'x', terminated: { exitCode } });

const state = (...records: ContainerRecord[]): PodState => ({ containers: new Map(records.map((one) => [one.name, one])), podIp: '', sandboxReady: true });

test('phases as the kubelet derives them', () => {
  const cases: [Partial<PodSpec>, ContainerRecord[], string][] = [
    [{}, [record('a')], 'Pending'],
    [{}, [record('a', running)], 'Running'],
    [{ restartPolicy: 'Never' }, [record('a', ended(0))], 'Succeeded'],
    [{ restartPolicy: 'Never' }, [record('a', ended(0)), record('b', ended(1))], 'Failed'],
    [{ restartPolicy: 'OnFailure' }, [record('a', ended(1))], 'Running'],
    [{ restartPolicy: 'Always' }, [record('a', ended(0))], 'Running'],
    [{ restartPolicy: 'Never' }, [record('i', { kind: 'init', ...ended(1) }), record('a')], 'Failed'],
    [{ restartPolicy: 'Always' }, [record('i', { kind: 'init', ...ended(1) }), record('a')], 'Pending'],
    [{ restartPolicy: 'Never' }, [record('s', { kind: 'sidecar', ...running }), record('a', ended(0))], 'Succeeded'],
    [{}, [record('a', { attempt: 1, last: { exitCode: 1 } })], 'Running'],
  ];
  for (const [spec, records, phase] of cases) {
    assert.equal(phaseOf(pod(spec), state(...records)), phase, JSON.stringify([spec, records]));
  }
});

test('conditions say which containers are missing, and gates hold readiness back', () => {
  const subject = pod({ containers: [{ name: 'a' }, { name: 'b' }], readinessGates: [{ conditionType: 'example.com/gate' }] });
  const now = new Date(0);
  const half = podStatus(subject, state(record('a', running), record('b')), { hostIp: 'h', now });
  const condition = (status: typeof half, type: string): unknown => {
    const found = status.conditions?.find((one) => one.type === type);
    return [found?.status, found?.reason, found?.message];
  };
  assert.deepEqual(condition(half, 'ContainersReady'), ['False', 'ContainersNotReady', 'containers with unready status: [b]']);
  const whole = podStatus(subject, state(record('a', running), record('b', running)), { hostIp: 'h', now });
  assert.deepEqual(condition(whole, 'ContainersReady'), ['True', undefined, undefined]);
  assert.deepEqual(condition(whole, 'Ready'), ['False', 'ReadinessGatesNotReady', 'corresponding condition of pod readiness gate "example.com/gate" does not exist.']);
});

test('a container that the status calls running and nobody has is lost, and restarted by policy', () => {
  const subject = pod({ restartPolicy: 'OnFailure' });
  subject.status = { containerStatuses: [{ name: 'a', ready: true, restartCount: 2, image: '', imageID: '', containerID: 'podman://abc', state: { running: { startedAt: '2026-01-01T00:00:00Z' } } }] };
  const lost = recordsFromStatus(subject).get('a');
  assert.deepEqual([lost?.phase, lost?.attempt, lost?.terminated?.reason, lost?.id], ['exited', 2, 'ContainerStatusUnknown', 'abc']);
  assert.ok(lost);
  assert.equal(shouldRestart(subject, lost), true);
  assert.equal(shouldRestart(pod({ restartPolicy: 'Never' }), lost), false);
});

test('back-off doubles to five minutes and is forgotten after a long good run', () => {
  let now = 1_000_000;
  const backOff = new BackOff(() => now);
  assert.equal(backOff.remaining('a', now), 0);
  backOff.next('a', now);
  assert.equal(backOff.remaining('a', now), 10_000);
  for (let times = 0; times < 8; times += 1) {
    backOff.next('a', now);
  }
  assert.equal(backOff.remaining('a', now), 300_000);
  now += 700_000;
  assert.equal(backOff.remaining('a', now), 0);
  assert.deepEqual([goDuration(10_000), goDuration(80_000), goDuration(300_000)], ['10s', '1m20s', '5m0s']);
});

test('variables expand as in Kubernetes', () => {
  const lookup = (name: string): string | undefined => ({ A: 'x', B: '$(A)' })[name];
  assert.equal(expand('$(A) $(B) $(NO) $$(A) $$$(A) $A ${A} $(', lookup), 'x $(A) $(NO) $(A) $x $A ${A} $(');
});

test('fields and resources of the pod', () => {
  const container: Container = { name: 'a', resources: { limits: { cpu: '1500m', memory: '64Mi' }, requests: { cpu: '250m' } } };
  const subject = pod({ containers: [container], serviceAccountName: 'sa' }, { labels: { k: 'v "q"', b: 'c' } });
  const addresses = { podIp: '1.2.3.4', hostIp: '5.6.7.8', nodeName: 'n' };
  const field = (fieldPath: string): string | undefined => fieldValue(subject, { fieldPath }, addresses);
  assert.deepEqual(['metadata.name', 'status.podIP', 'spec.nodeName', "metadata.labels['k']", 'metadata.labels', 'status.phase'].map(field),
    ['p', '1.2.3.4', 'n', 'v "q"', 'b="c"\nk="v \\"q\\""', undefined]);
  const resource = (name: string, divisor?: string): string | undefined =>
    resourceValue(subject, { resource: name, ...(divisor === undefined ? {} : { divisor }) }, container, { cpu: 2, memory: 100 });
  assert.deepEqual([resource('limits.cpu'), resource('limits.cpu', '1m'), resource('limits.memory', '1Mi'), resource('requests.memory'), resource('requests.cpu', '1m')],
    ['2', '1500', '64', String(64 * 2 ** 20), '250']);
});

test('limits, quality of service and OOM scores', () => {
  const both = { cpu: '500m', memory: '64Mi' };
  const guaranteed = pod({ containers: [{ name: 'a', resources: { limits: both } }] });
  const burstable = pod({ containers: [{ name: 'a', resources: { requests: { memory: '1Gi' } } }] });
  assert.deepEqual([qosClass(guaranteed), qosClass(burstable), qosClass(pod({}))], ['Guaranteed', 'Burstable', 'BestEffort']);
  const first = guaranteed.spec?.containers[0];
  assert.ok(first);
  assert.deepEqual(resourceLimits(first, { extraMemory: 0, pidsLimit: 9 }), {
    cpu: { shares: 512, period: 100_000, quota: 50_000 }, memory: { limit: 64 * 2 ** 20, swap: 64 * 2 ** 20 }, pids: { limit: 9 },
  });
  assert.deepEqual([cpuShares(0), cpuShares(1), cpuShares(1e9)], [2, 2, 262_144]);
  assert.equal(oomScore(burstable, burstable.spec?.containers[0] ?? first, 4 * 2 ** 30), 750);
});

test('services are told in variables, the API server always', () => {
  const service = (name: string, namespace: string): Parameters<typeof serviceVariables>[0][number] => ({
    apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: { clusterIP: '10.0.0.7', ports: [{ name: 'web-port', port: 80 }] },
  });
  const services = [service('my-web', 'ns'), service('kubernetes', 'default'), service('other', 'elsewhere')];
  const all = serviceVariables(services, pod({}));
  assert.equal(all['MY_WEB_PORT_80_TCP'], 'tcp://10.0.0.7:80');
  assert.equal(all['MY_WEB_SERVICE_PORT_WEB_PORT'], '80');
  assert.equal(all['OTHER_SERVICE_HOST'], undefined);
  const none = serviceVariables(services, pod({ enableServiceLinks: false }));
  assert.deepEqual([none['KUBERNETES_SERVICE_HOST'], none['MY_WEB_SERVICE_HOST']], ['10.0.0.7', undefined]);
});

test('liveness waits for the startup probe; thresholds count', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  try {
    const said: string[] = [];
    const answers = new Map([['startup', false], ['live', true], ['ready', false]]);
    const probe = (name: string, failureThreshold = 2): NonNullable<Container['livenessProbe']> => ({ exec: { command: [name] }, periodSeconds: 1, failureThreshold });
    const prober = new Prober({ name: 'a', startupProbe: probe('startup', 5), livenessProbe: probe('live'), readinessProbe: probe('ready') }, {
      run: (one) => Promise.resolve({ ok: answers.get(one.exec?.command?.[0] ?? '') ?? false, output: 'no' }),
      unhealthy: (kind) => { said.push(`${kind} unhealthy`); },
      started: () => { said.push('started'); },
      ready: (ready) => { said.push(`ready ${ready}`); },
      failed: (kind) => { said.push(`${kind} failed`); },
    });
    const tick = async (): Promise<void> => {
      mock.timers.tick(1000);
      for (let turn = 0; turn < 10; turn += 1) {
        await Promise.resolve();
      }
    };
    prober.start(new Date(), false);
    await tick();
    assert.deepEqual(said.splice(0), ['Startup unhealthy']);
    answers.set('startup', true).set('ready', true);
    await tick();
    assert.deepEqual(said.splice(0), ['started']);
    await tick();
    assert.deepEqual(said.splice(0), ['ready true']);
    answers.set('live', false);
    await tick();
    await tick();
    assert.deepEqual(said.splice(0), ['Liveness unhealthy', 'Liveness unhealthy', 'Liveness failed']);
    prober.stop();
  } finally {
    mock.timers.reset();
  }
});

test('a gate lets so many through and hands places on, also after failures', async () => {
  const gate = new Gate(2);
  let inside = 0;
  let most = 0;
  const task = async (fail: boolean): Promise<void> => {
    inside += 1;
    most = Math.max(most, inside);
    await new Promise((resolve) => { setImmediate(resolve); });
    inside -= 1;
    if (fail) {
      throw new Error('expected');
    }
  };
  await Promise.allSettled(Array.from({ length: 9 }, (_, n) => gate.run(() => task(n % 3 === 0))));
  assert.equal(most, 2);
});
