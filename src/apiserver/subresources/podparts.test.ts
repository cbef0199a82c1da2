import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { pod, PODS, TestServer, type Reply } from '../testing/harness.ts';

describe('parts of running pods', () => {
  let s: TestServer;
  before(async () => {
    s = await TestServer.start();
    await s.post('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } });
    const resources = { limits: { cpu: '1', memory: '64Mi' }, requests: { cpu: '500m', memory: '64Mi' } };
    await s.post(PODS, pod('one', {
      nodeName: 'n1', containers: [{ name: 'c', image: 'x:1', resources }], initContainers: [{ name: 'i', image: 'x:1', resources }], volumes: [{ name: 'v', emptyDir: {} }],
    }));
  });
  after(() => s.close());

  const strategic = (path: string, body: unknown): Promise<Reply> =>
    s.ask({ method: 'PATCH', path, body: JSON.stringify(body), headers: { 'content-type': 'application/strategic-merge-patch+json' } });
  const debug = (container: Record<string, unknown>): Promise<Reply> => strategic(`${PODS}/one/ephemeralcontainers`, { spec: { ephemeralContainers: [container] } });
  const refused = async (reply: Promise<Reply>): Promise<string> => {
    const { code, json } = await reply;
    assert.equal(code, 422, JSON.stringify(json));
    return String(json['message']).replace('Pod "one" is invalid: ', '');
  };

  it('adds ephemeral containers, with their defaults', async () => {
    const added = await debug({ name: 'look', image: 'debugger:1', targetContainerName: 'c', stdin: true, tty: true });
    assert.equal(added.code, 200, added.text);
    const [container] = Reflect.get(added.json['spec'] ?? {}, 'ephemeralContainers') ?? [];
    assert.deepEqual(container, {
      name: 'look', image: 'debugger:1', targetContainerName: 'c', stdin: true, tty: true, resources: {},
      imagePullPolicy: 'IfNotPresent', terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File',
    });
    assert.equal((await s.get(`${PODS}/one/ephemeralcontainers`)).json['kind'], 'Pod');
    assert.equal((await debug({ name: 'again', image: 'debugger:1' })).code, 200);
  });

  it('refuses what they may not say', async () => {
    const field = 'spec.ephemeralContainers[0]';
    const cases: [Record<string, unknown>, string][] = [
      [{ ports: [{ containerPort: 1 }] }, `${field}.ports: Forbidden: cannot be set for an Ephemeral Container`],
      [{ resources: { limits: { cpu: '1' } } }, `${field}.resources: Forbidden: cannot be set for an Ephemeral Container`],
      [{ livenessProbe: { exec: { command: ['a'] } } }, `${field}.livenessProbe: Forbidden: cannot be set for an Ephemeral Container`],
      [{ lifecycle: { preStop: { exec: { command: ['a'] } } } }, `${field}.lifecycle: Forbidden: cannot be set for an Ephemeral Container`],
      [{ targetContainerName: 'nobody' }, `${field}.targetContainerName: Not found: "nobody"`],
      [{ name: 'c' }, `${field}.name: Duplicate value: "c"`],
      [{ volumeMounts: [{ name: 'v', mountPath: '/v', subPath: 'a' }] }, `${field}.volumeMounts[0].subPath: Forbidden: cannot be set for an Ephemeral Container`],
      [{ image: '' }, `${field}.image: Required value`],
    ];
    for (const [more, message] of cases) {
      assert.ok((await refused(debug({ name: 'wrong', image: 'debugger:1', ...more }))).includes(message), message);
    }
  });

  it('keeps those that are there', async () => {
    assert.match(await refused(debug({ name: 'look', image: 'other:1' })), /^spec\.ephemeralContainers: Forbidden: existing ephemeral containers "look" may not be changed/);
    const stored = (await s.get(`${PODS}/one`)).json;
    Reflect.set(stored['spec'] ?? {}, 'ephemeralContainers', []);
    assert.match(await refused(s.ask({ method: 'PUT', path: `${PODS}/one/ephemeralcontainers`, body: stored })), /existing ephemeral containers "look" may not be removed/);
    assert.equal((await s.patch(`${PODS}/one`, { spec: { ephemeralContainers: [] } })).code, 422, 'not through the pod itself');
  });

  it('changes nothing else', async () => {
    const reply = await strategic(`${PODS}/one/ephemeralcontainers`, { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'y:1' }] } });
    assert.equal(reply.code, 200);
    const { metadata, spec } = (await s.get(`${PODS}/one`)).json;
    assert.equal(Reflect.get(metadata ?? {}, 'labels'), undefined);
    assert.equal(Reflect.get(Reflect.get(spec ?? {}, 'containers')[0], 'image'), 'x:1');
  });

  const resize = (resources: unknown, list = 'containers', name = 'c'): Promise<Reply> => strategic(`${PODS}/one/resize`, { spec: { [list]: [{ name, resources }] } });

  it('resizes CPU and memory', async () => {
    const before = (await s.get(`${PODS}/one`)).json;
    const reply = await resize({ requests: { cpu: '250m' }, limits: { memory: '128Mi' } });
    assert.equal(reply.code, 200, reply.text);
    const [container] = Reflect.get(reply.json['spec'] ?? {}, 'containers');
    assert.deepEqual(container.resources, { limits: { cpu: '1', memory: '128Mi' }, requests: { cpu: '250m', memory: '64Mi' } });
    assert.equal(Reflect.get(reply.json['metadata'] ?? {}, 'generation'), Number(Reflect.get(before['metadata'] ?? {}, 'generation')) + 1);
    assert.equal((await s.patch(`${PODS}/one`, { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }] } })).code, 422, 'not through the pod itself');
  });

  it('refuses what a resize may not do', async () => {
    assert.match(await refused(resize({ requests: { 'example.com/gpu': '1' }, limits: { 'example.com/gpu': '1' } })), /^spec: Forbidden: only cpu and memory resources are mutable/);
    assert.match(await refused(resize({ limits: { cpu: null } })), /^spec\.containers\[0\]\.resources\.limits: Forbidden: resource limits cannot be removed/);
    assert.match(await refused(resize({ requests: { cpu: '1', memory: '128Mi' }, limits: { cpu: '1', memory: '128Mi' } })
      .then(() => resize({ requests: { cpu: '2' } }))), /must be less than or equal to cpu limit of 1/);
    assert.match(await refused(resize({ limits: { cpu: '2' } }, 'initContainers', 'i')), /resources for non-sidecar init containers are immutable/);
    await s.post(PODS, pod('plain', { nodeName: 'n1' }));
    const better = strategic(`${PODS}/plain/resize`, { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }] } });
    assert.equal((await better).json['message'], 'Pod "plain" is invalid: spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing');
  });
});
