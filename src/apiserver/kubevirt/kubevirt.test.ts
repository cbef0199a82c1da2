/** What virtctl asks and what it is told: every run strategy, every precondition, on a real server with a node that takes notes. */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { after, before, beforeEach, describe, it } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import type { NodeHandler } from '../../apimachinery/nodehandler.ts';
import { deepClone, isObject } from '../../apimachinery/values.ts';
import { TestServer, type Reply } from '../testing/harness.ts';
import { instanceStatusGuard, kubevirtGroup } from './index.ts';

const VMS = '/apis/kubevirt.io/v1/namespaces/default/virtualmachines';
const VMIS = '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances';
const SUB = '/apis/subresources.kubevirt.io/v1/namespaces/default';
/** Whoever runs machines: of the users, none may write what they are up to. */
const NODE_USER = { name: 'system:apiserver', groups: ['system:masters'] };
const LIMIT = { timeout: 60_000 };

/** A node that notes what it is asked and talks back on streams. */
class NotingNode implements NodeHandler {
  readonly asked: string[] = [];
  readonly protocols: (string | undefined)[] = [];
  readonly #sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => (offered.has('plain.kubevirt.io') ? 'plain.kubevirt.io' : false) });

  request(target: string, req: Parameters<NodeHandler['request']>[1], res: Parameters<NodeHandler['request']>[2]): void {
    this.asked.push(`${req.method ?? ''} ${target}`);
    res.statusCode = 200;
    res.end();
  }

  upgrade(target: string, req: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.asked.push(`UPGRADE ${target}`);
    this.protocols.push(req.headers['sec-websocket-protocol']);
    assert.equal(req.headers['authorization'], undefined);
    this.#sockets.handleUpgrade(req, socket, head, (ws) => {
      ws.send(Buffer.from('guest'), { binary: true }, () => { ws.close(1000); });
    });
  }
}

let node: NotingNode;
let s: TestServer;

const put = (path: string, body: unknown = {}): Promise<Reply> => s.ask({ method: 'PUT', path: `${SUB}/${path}`, body, headers: { 'content-type': '' } });
const told = (reply: Reply): [number, unknown] => [reply.code, reply.json['message'] ?? reply.text];

const member = (value: unknown, ...path: string[]): unknown => path.reduce((at: unknown, step) => (isObject(at) ? at[step] : undefined), value);

async function machine(strategy: string | { running: boolean }, more: Record<string, unknown> = {}): Promise<void> {
  const made = await s.post(VMS, {
    apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', metadata: { name: 'box' },
    spec: { ...(typeof strategy === 'string' ? { runStrategy: strategy } : strategy), template: { spec: { domain: { memory: { guest: '64Mi' }, devices: {}, ...more } } } },
  });
  assert.equal(made.code, 201, made.text);
}

/** An instance as its controllers would have it. */
async function instance(phase: string, options: { paused?: boolean; spec?: Record<string, unknown>; devices?: Record<string, unknown> } = {}): Promise<string> {
  const made = await s.post(VMIS, {
    apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', metadata: { name: 'box' },
    spec: { domain: { memory: { guest: '64Mi' }, devices: options.devices ?? {} }, ...options.spec },
  });
  assert.equal(made.code, 201, made.text);
  const transport = s.server.transport(NODE_USER);
  const body = deepClone(made.json);
  body['status'] = { phase, nodeName: 'here', conditions: options.paused === true ? [{ type: 'Paused', status: 'True' }] : [] };
  await transport.request({ method: 'PUT', path: `${VMIS}/box`, body });
  return String(member(made.json, 'metadata', 'uid'));
}

const stored = async (): Promise<Record<string, unknown>> => (await s.get(`${VMS}/box`)).json;
const requests = async (): Promise<unknown> => member(await stored(), 'status', 'stateChangeRequests');
const conflict = (why: string, kind = 'virtualmachine'): [number, string] => [409, `Operation cannot be fulfilled on ${kind}.kubevirt.io "box": ${why}`];
const OK: [number, string] = [202, ''];

before(async () => {
  node = new NotingNode();
  s = await TestServer.start({ groups: [kubevirtGroup()], admission: [instanceStatusGuard], nodes: { connect: (name) => (name === 'here' ? node : undefined) } });
}, LIMIT);
after(() => s.close());
beforeEach(async () => {
  for (const path of [VMS, VMIS]) {
    await s.delete(`${path}/box`);
  }
  node.asked.length = 0;
});

describe('start', LIMIT, () => {
  it('a machine that is not there', async () => {
    assert.deepEqual(told(await put('virtualmachines/box/start')), [404, 'virtualmachine.kubevirt.io "box" not found']);
  });
  it('Halted becomes Always', async () => {
    await machine('Halted');
    assert.deepEqual(told(await put('virtualmachines/box/start')), OK);
    assert.equal(member(await stored(), 'spec', 'runStrategy'), 'Always');
  });
  it('`running: false` becomes true', async () => {
    await machine({ running: false });
    assert.deepEqual(told(await put('virtualmachines/box/start')), OK);
    assert.equal(member(await stored(), 'spec', 'running'), true);
    assert.equal(member(await stored(), 'spec', 'runStrategy'), undefined);
  });
  it('Halted, paused: a request that says so', async () => {
    await machine('Halted');
    assert.deepEqual(told(await put('virtualmachines/box/start', { paused: true })), OK);
    assert.deepEqual(await requests(), [{ action: 'Start', data: { paused: 'true' } }]);
    assert.equal(member(await stored(), 'spec', 'runStrategy'), 'Halted');
  });
  it('dry run changes nothing', async () => {
    await machine('Halted');
    assert.deepEqual(told(await put('virtualmachines/box/start', { dryRun: ['All'] })), OK);
    assert.equal(member(await stored(), 'spec', 'runStrategy'), 'Halted');
  });
  it('Manual: a request, and no second one', async () => {
    await machine('Manual');
    assert.deepEqual(told(await put('virtualmachines/box/start')), OK);
    assert.deepEqual(await requests(), [{ action: 'Start' }]);
    assert.deepEqual(told(await put('virtualmachines/box/start')), conflict('unable to complete request: stop/start already underway'));
  });
  it('Manual with a guest that ended: stop and start', async () => {
    await machine('Manual');
    const uid = await instance('Succeeded');
    assert.deepEqual(told(await put('virtualmachines/box/start')), OK);
    assert.deepEqual(await requests(), [{ action: 'Stop', uid }, { action: 'Start' }]);
  });
  it('RerunOnFailure: a request; refused after a failure', async () => {
    await machine('RerunOnFailure');
    assert.deepEqual(told(await put('virtualmachines/box/start')), OK);
    assert.deepEqual(await requests(), [{ action: 'Start' }]);
    await instance('Failed');
    assert.deepEqual(told(await put('virtualmachines/box/start')), conflict('RerunOnFailure does not support starting VM from failed state'));
  });
  for (const strategy of ['Always', 'Once']) {
    it(`${strategy}: refused`, async () => {
      await machine(strategy);
      assert.deepEqual(told(await put('virtualmachines/box/start')), conflict(`${strategy} does not support manual start requests`));
    });
  }
  it('a guest that runs', async () => {
    await machine('Always');
    await instance('Running');
    assert.deepEqual(told(await put('virtualmachines/box/start')), conflict('VM is already running'));
  });
});

describe('stop', LIMIT, () => {
  for (const strategy of ['Always', 'Once']) {
    it(`${strategy} becomes Halted`, async () => {
      await machine(strategy);
      assert.deepEqual(told(await put('virtualmachines/box/stop')), OK);
      assert.equal(member(await stored(), 'spec', 'runStrategy'), 'Halted');
    });
  }
  for (const strategy of ['Manual', 'RerunOnFailure']) {
    it(`${strategy}: a request for the guest that runs, which replaces others`, async () => {
      await machine(strategy);
      assert.deepEqual(told(await put('virtualmachines/box/stop')), conflict('VM is not running'));
      const uid = await instance('Running');
      assert.deepEqual(told(await put('virtualmachines/box/restart')), OK);
      assert.deepEqual(told(await put('virtualmachines/box/stop')), OK);
      assert.deepEqual(await requests(), [{ action: 'Stop', uid }]);
    });
  }
  it('Halted: only to hurry', async () => {
    await machine('Halted');
    const refused = conflict('Halted only supports manual stop requests with a shorter graceperiod');
    assert.deepEqual(told(await put('virtualmachines/box/stop')), refused);
    await instance('Running');
    assert.deepEqual(told(await put('virtualmachines/box/stop', { gracePeriod: 30 })), refused);
    assert.deepEqual(told(await put('virtualmachines/box/stop', { gracePeriod: 0 })), OK);
    assert.deepEqual(told(await put('virtualmachines/box/stop', { gracePeriod: -1 })), [400, 'gracePeriod has to be greater or equal to 0']);
  });
  it('a grace period brings the launcher’s end forward', async () => {
    await machine('Always');
    const uid = await instance('Running');
    await s.post('/api/v1/namespaces/default/pods', {
      apiVersion: 'v1', kind: 'Pod',
      metadata: {
        name: 'virt-launcher-box', labels: { 'kubevirt.io/created-by': uid },
        ownerReferences: [{ apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', name: 'box', uid, controller: true }],
      },
      spec: { nodeName: 'here', containers: [{ name: 'compute', image: 'x' }] },
    });
    assert.deepEqual(told(await put('virtualmachines/box/stop', { gracePeriod: 7 })), OK);
    const pod = (await s.get('/api/v1/namespaces/default/pods/virt-launcher-box')).json;
    assert.equal(member(pod, 'metadata', 'deletionGracePeriodSeconds'), 7);
  });
});

describe('restart', LIMIT, () => {
  for (const strategy of ['Halted', 'Once']) {
    it(`${strategy}: refused`, async () => {
      await machine(strategy);
      assert.deepEqual(told(await put('virtualmachines/box/restart')), conflict(`RunStrategy ${strategy} does not support manual restart requests`));
    });
  }
  for (const strategy of ['Always', 'Manual', 'RerunOnFailure']) {
    it(`${strategy}: stop and start what runs`, async () => {
      await machine(strategy);
      assert.deepEqual(told(await put('virtualmachines/box/restart')), conflict('VM is not running'));
      const uid = await instance('Running');
      assert.deepEqual(told(await put('virtualmachines/box/restart')), OK);
      assert.deepEqual(await requests(), [{ action: 'Stop', uid }, { action: 'Start' }]);
    });
  }
  it('takes no grace period but none', async () => {
    await machine('Always');
    assert.deepEqual(told(await put('virtualmachines/box/restart', { gracePeriodSeconds: 3 })), [400, 'For force restart, only gracePeriod=0 is supported for now']);
  });
});

describe('what reaches the guest', LIMIT, () => {
  const vmi = (why: string): [number, string] => conflict(why, 'virtualmachineinstance');
  const at = (action: string): string => `virtualmachineinstances/box/${action}`;

  it('pause and unpause', async () => {
    assert.deepEqual(told(await put(at('pause'))), [404, 'virtualmachineinstance.kubevirt.io "box" not found']);
    await instance('Scheduled');
    assert.deepEqual(told(await put(at('pause'))), vmi('VM is not running'));
    await s.delete(`${VMIS}/box`);
    await instance('Running');
    assert.deepEqual(told(await put(at('unpause'))), vmi('VMI is not paused'));
    assert.deepEqual(told(await put(at('pause'), { dryRun: ['All'] })), [200, '']);
    assert.deepEqual(node.asked, []);
    assert.deepEqual(told(await put(at('pause'))), [200, '']);
    assert.deepEqual(told(await put(at('reset'), '')), [200, '']);
    assert.deepEqual(told(await put(at('softreboot'), '')), [200, '']);
    const path = '/v1/namespaces/default/virtualmachineinstances/box';
    assert.deepEqual(node.asked, [`PUT ${path}/pause`, `PUT ${path}/reset`, `PUT ${path}/softreboot`]);
  });
  it('a paused one', async () => {
    await instance('Running', { paused: true });
    assert.deepEqual(told(await put(at('pause'))), vmi('VMI is already paused'));
    assert.deepEqual(told(await put(at('softreboot'))), vmi('VMI is paused'));
    assert.deepEqual(told(await put(at('unpause'))), [200, '']);
    assert.deepEqual(told(await s.get(`${SUB}/${at('portforward/22')}`)), vmi('VMI is paused'));
  });
  it('a liveness probe forbids pausing', async () => {
    await instance('Running', { spec: { livenessProbe: { tcpSocket: { port: 22 } } } });
    assert.deepEqual(told(await put(at('pause'))),
      [403, 'virtualmachineinstance.kubevirt.io "box" is forbidden: Pausing VMIs with LivenessProbe is currently not supported']);
  });
  it('streams refused before any upgrade', async () => {
    await instance('Scheduled');
    assert.equal((await s.get(`${SUB}/${at('console')}`)).code, 400);
    await s.delete(`${VMIS}/box`);
    await instance('Failed');
    assert.deepEqual(told(await s.get(`${SUB}/${at('console')}`)), vmi('VMI is in failed status'));
    await s.delete(`${VMIS}/box`);
    await instance('Running', { devices: { autoattachSerialConsole: false, autoattachGraphicsDevice: false } });
    assert.deepEqual(told(await s.get(`${SUB}/${at('console')}`)), [400, 'No serial consoles are present.']);
    assert.deepEqual(told(await s.get(`${SUB}/${at('vnc')}`)), [400, 'No graphics devices are present.']);
    assert.equal((await s.get(`${SUB}/${at('portforward/99999999')}`)).code, 400);
    assert.equal((await s.get(`${SUB}/${at('portforward/22/sctp')}`)).code, 400);
  });
  for (const [what, path, target] of [
    ['console', 'virtualmachineinstances/box/console', 'console'],
    ['vnc', 'virtualmachineinstances/box/vnc?preserveSession=false', 'vnc?preserveSession=false'],
    ['port of an instance', 'virtualmachineinstances/box/portforward/22/udp', 'portforward/22/udp'],
    ['port of a machine', 'virtualmachines/box/portforward/22', 'portforward/22/tcp'],
  ] as const) {
    it(`${what}: as a WebSocket, its token neither passed on nor answered`, async () => {
      await machine('Always');
      await instance('Running');
      const token = `base64url.bearer.authorization.k8s.io.${Buffer.from(s.pki.adminToken).toString('base64url')}`;
      const ws = new WebSocket(`wss://127.0.0.1:${s.port}${SUB}/${path}`, [token, 'plain.kubevirt.io'], { ca: s.pki.ca.cert });
      let text = '';
      ws.on('message', (data: Buffer) => { text += data.toString(); });
      const code = await new Promise((resolve, reject) => {
        ws.on('close', resolve);
        ws.on('error', reject);
      });
      assert.deepEqual([code, text, ws.protocol], [1000, 'guest', 'plain.kubevirt.io']);
      assert.deepEqual(node.asked, [`UPGRADE /v1/namespaces/default/virtualmachineinstances/box/${target}`]);
      assert.equal(node.protocols.pop(), 'plain.kubevirt.io');
    });
  }
  it('no guest agent: KubeVirt’s plain text', async () => {
    await instance('Running');
    for (const action of ['guestosinfo', 'userlist', 'filesystemlist']) {
      const reply = await s.get(`${SUB}/${at(action)}`);
      assert.deepEqual([reply.code, reply.text], [500, 'VMI does not have guest agent connected']);
      assert.match(reply.headers['content-type'] ?? '', /^text\/plain/);
    }
  });
});

describe('the group itself', LIMIT, () => {
  it('version and discovery, under both names', async () => {
    assert.equal(member((await s.get('/apis/subresources.kubevirt.io')).json, 'preferredVersion', 'groupVersion'), 'subresources.kubevirt.io/v1');
    for (const version of ['v1', 'v1alpha3']) {
      assert.equal((await s.get(`/apis/subresources.kubevirt.io/${version}`)).json['kind'], 'APIResourceList');
      assert.match(String((await s.get(`/apis/subresources.kubevirt.io/${version}/version`)).json['gitVersion']), /^v1\.9\./);
    }
    assert.equal((await s.get('/apis/subresources.kubevirt.io/v2/version')).code, 404);
  });
  it('YAML bodies and no bodies', async () => {
    await machine('Halted');
    assert.deepEqual(told(await put('virtualmachines/box/start', 'paused: true\n')), OK);
    assert.deepEqual(await requests(), [{ action: 'Start', data: { paused: 'true' } }]);
    assert.equal((await put('virtualmachines/box/start', '[]')).code, 400);
  });
  it('specs as they are', async () => {
    await machine('Halted');
    assert.equal((await s.get(`${SUB}/virtualmachines/box/expand-spec`)).json['kind'], 'VirtualMachine');
    const expanded = await s.ask({ method: 'PUT', path: `${SUB}/expand-vm-spec`, body: await stored() });
    assert.deepEqual([expanded.code, member(expanded.json, 'metadata', 'name')], [200, 'box']);
  });
  it('what cannot be done is refused by name', async () => {
    await machine('Always');
    await instance('Running');
    assert.deepEqual(told(await put('virtualmachines/box/migrate')), conflict('VMI is not live migratable: there is no other node it could move to'));
    assert.deepEqual(told(await put('virtualmachines/box/addvolume', { name: 'x' })), [400, 'AddVolumeOptions requires disk to not be nil']);
    assert.deepEqual(told(await put('virtualmachines/box/removevolume', {})), [400, 'RemoveVolumeOptions requires name to be set']);
    assert.equal((await put('virtualmachines/box/removevolume', { name: 'x' })).code, 409);
    assert.equal((await put('virtualmachines/box/memorydump', { claimName: 'x' })).code, 409);
    assert.equal((await put('virtualmachineinstances/box/freeze')).code, 409);
    assert.equal((await put('virtualmachineinstances/box/nonsense')).code, 404);
    assert.equal((await s.post(`${SUB}/virtualmachines/box/start`, {})).code, 405);
  });
  it('status of instances is the components’ alone', async () => {
    await instance('Running');
    const object = (await s.get(`${VMIS}/box`)).json;
    object['status'] = { phase: 'Failed' };
    assert.equal((await s.put(`${VMIS}/box`, object)).code, 200);
    assert.equal(member((await s.get(`${VMIS}/box`)).json, 'status', 'phase'), 'Running');
  });
});
