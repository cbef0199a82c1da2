/** Services on the real kernel: what pods and the machine reach, and what happens on bad days. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SERVICES } from '../../../client/resources.ts';
import { Bed, until, type Answer } from '../testing/bed.ts';
import type { Sandbox } from '../podnetwork.ts';
import { tableName } from '../names.ts';

describe('services', () => {
  const bed = new Bed(60);
  const address = (last: number): string => `10.61.1.${last}`;
  let a: Sandbox;
  let b: Sandbox;
  let client: Sandbox;

  before(async () => {
    await bed.prepare();
    [a, b, client] = await Promise.all([bed.pod('a'), bed.pod('b'), bed.pod('client', 9999)]);
    await bed.service('web', {
      clusterIP: address(1), type: 'NodePort',
      ports: [{ port: 80, protocol: 'TCP', nodePort: 30_611 }, { name: 'udp', port: 53, protocol: 'UDP', nodePort: 30_612 }],
    });
    await bed.endpoints('web', [a.ip, b.ip]);
    await bed.service('alone', { clusterIP: address(2), ports: [{ port: 80 }] });
    await bed.endpoints('alone', [a.ip]);
    await bed.service('empty', { clusterIP: address(3), type: 'NodePort', ports: [{ port: 80, nodePort: 30_613 }, { name: 'udp', port: 53, protocol: 'UDP' }] });
    await bed.service('sticky', { clusterIP: address(4), sessionAffinity: 'ClientIP', ports: [{ port: 80 }] });
    await bed.endpoints('sticky', [a.ip, b.ip]);
    await bed.service('outside', { clusterIP: address(5), externalIPs: ['198.51.100.7'], ports: [{ port: 80 }] });
    await bed.endpoints('outside', [a.ip]);
    await bed.startProxy();
  });
  after(() => bed.remove());

  const askMany = async (count: number, ask: () => Promise<Answer>): Promise<Set<string>> => {
    const names = new Set<string>();
    for (let index = 0; index < count; index++) {
      names.add((await ask()).name);
    }
    return names;
  };

  it('lets pods and the machine reach a pod by its address', async () => {
    assert.deepEqual(await bed.ask(client, a.ip, 8080), { name: 'a', from: client.ip });
    assert.deepEqual(await bed.ask(undefined, a.ip, 8080), { name: 'a', from: bed.instance.nodeAddress });
  });

  it('spreads a cluster address over the endpoints and keeps the source', async () => {
    assert.deepEqual(await askMany(24, () => bed.ask(client, address(1), 80)), new Set(['a', 'b']));
    assert.equal((await bed.ask(client, address(1), 80)).from, client.ip);
    assert.deepEqual(await askMany(8, () => bed.askUdp(client, address(1), 53)), new Set(['a', 'b']));
    assert.equal((await bed.ask(undefined, address(1), 80)).from, bed.instance.nodeAddress);
  });

  it('lets a pod reach itself through its service', async () => {
    assert.deepEqual(await bed.ask(a, address(2), 80), { name: 'a', from: bed.instance.nodeAddress });
  });

  it('serves node ports on the loopback, on local addresses and to pods', async () => {
    for (const target of ['127.0.0.1', '127.0.0.2', bed.instance.nodeAddress]) {
      assert.match((await bed.ask(undefined, target, 30_611)).name, /^[ab]$/, target);
    }
    assert.match((await bed.ask(client, bed.instance.nodeAddress, 30_611)).name, /^[ab]$/);
    assert.match((await bed.askUdp(undefined, '127.0.0.1', 30_612)).name, /^[ab]$/);
  });

  it('refuses at once what has no endpoint, from everywhere', async () => {
    assert.equal((await bed.ask(client, address(3), 80)).name, 'refused');
    assert.equal((await bed.ask(undefined, address(3), 80)).name, 'refused');
    assert.equal((await bed.ask(undefined, '127.0.0.1', 30_613)).name, 'refused');
    assert.equal((await bed.ask(client, bed.instance.nodeAddress, 30_613)).name, 'refused');
    assert.equal((await bed.askUdp(client, address(3), 53)).name, 'ECONNREFUSED');
    assert.equal((await bed.ask(client, address(77), 80)).name, 'refused', 'an address no service has');
    assert.equal((await bed.ask(client, address(1), 81)).name, 'refused', 'a port the service lacks');
    assert.match((await bed.ask(client, '10.60.0.200', 80)).name, /unreachable|No route/, 'an address no pod has');
  });

  it('keeps a client with its endpoint when the session has affinity, also while others come and go', async () => {
    const first = (await bed.ask(client, address(4), 80)).name;
    assert.deepEqual(await askMany(12, () => bed.ask(client, address(4), 80)), new Set([first]));
    const [stays, goes] = first === 'a' ? [a, b] : [b, a];
    await bed.endpoints('sticky', [stays.ip]);
    await until(() => bed.tool('nft', 'list', 'table', 'inet', tableName(bed.instance)), ({ stdout }) => !new RegExp(`clients-.*${goes.ip}`).test(stdout));
    assert.equal((await bed.ask(client, address(4), 80)).name, first);
    await bed.endpoints('sticky', [a.ip, b.ip]);
    await until(() => bed.tool('nft', 'list', 'table', 'inet', tableName(bed.instance)), ({ stdout }) => new RegExp(`clients-.*${goes.ip}`).test(stdout));
    assert.deepEqual(await askMany(12, () => bed.ask(client, address(4), 80)), new Set([first]));
  });

  it('serves external addresses', async () => {
    assert.equal((await bed.ask(client, '198.51.100.7', 80)).name, 'a');
    assert.equal((await bed.ask(undefined, '198.51.100.7', 80)).name, 'a');
  });

  it('follows endpoints, and moves UDP clients that keep their port', async () => {
    await bed.endpoints('web', [a.ip]);
    await until(() => askMany(6, () => bed.ask(client, address(1), 80)), (names) => names.size === 1 && names.has('a'));
    assert.equal((await bed.askUdp(client, address(1), 53, 40_001)).name, 'a');
    await bed.endpoints('web', [b.ip]);
    await until(() => bed.ask(client, address(1), 80), ({ name }) => name === 'b');
    assert.equal((await until(() => bed.askUdp(client, address(1), 53, 40_001), ({ name }) => name === 'b')).name, 'b');
    await bed.endpoints('web', [a.ip], { conditions: { ready: false } });
    assert.equal((await until(() => bed.ask(client, address(1), 80), ({ name }) => name === 'refused')).name, 'refused');
    await bed.endpoints('web', [a.ip, b.ip]);
    await until(() => bed.ask(client, address(1), 80), ({ name }) => name !== 'refused');
  });

  it('honours the traffic policies', async () => {
    await bed.service('local', { clusterIP: address(6), internalTrafficPolicy: 'Local', ports: [{ port: 80 }] });
    await bed.endpoints('local', [a.ip], { nodeName: 'elsewhere' });
    assert.equal((await until(() => bed.ask(client, address(6), 80), ({ name }) => name === 'refused')).name, 'refused');
    await bed.endpoints('local', [a.ip]);
    assert.equal((await until(() => bed.ask(client, address(6), 80), ({ name }) => name === 'a')).name, 'a');
  });

  it('says who holds a node port, leaves it to him, and takes it when it is free', async () => {
    const holder = await bed.answerer('holder', 30_617);
    await bed.service('late', { clusterIP: address(7), type: 'NodePort', ports: [{ port: 80, nodePort: 30_617 }] });
    await bed.endpoints('late', [a.ip]);
    await until(async () => bed.events, (events) => events.some(({ reason }) => reason === 'NodePortInUse'));
    assert.match(bed.events.find(({ reason }) => reason === 'NodePortInUse')?.message ?? '', new RegExp(`30617/TCP is used by .*\\(pid ${holder.pid}\\)`));
    assert.equal((await bed.ask(undefined, '127.0.0.1', 30_617)).name, 'holder');
    assert.equal((await bed.ask(client, address(7), 80)).name, 'a');
    holder.kill('SIGKILL');
    assert.equal((await until(() => bed.ask(undefined, '127.0.0.1', 30_617), ({ name }) => name === 'a')).name, 'a');
  });

  it('comes back after somebody flushed every rule', async () => {
    bed.stopProxy();
    const proxy = await bed.startProxy();
    await bed.tool('nft', 'delete', 'table', 'inet', tableName(bed.instance));
    assert.notEqual((await bed.ask(undefined, address(1), 80)).name, 'a');
    await proxy.checkTable();
    assert.match((await bed.ask(client, address(1), 80)).name, /^[ab]$/);
  });

  it('goes on while nobody runs it, and writes only what changed when it is back', async () => {
    bed.stopProxy();
    assert.match((await bed.ask(client, address(1), 80)).name, /^[ab]$/);
    const before = await bed.tableWords();
    const monitor = bed.watchTable();
    await bed.startProxy();
    assert.deepEqual(await bed.tableWords(), before);
    assert.equal(await monitor.stop(), '', 'nothing was written');
    bed.stopProxy();
    await bed.client.delete(SERVICES, 'alone', 'default');
    await bed.startProxy();
    assert.equal((await bed.ask(client, address(2), 80)).name, 'refused');
    assert.match((await bed.ask(client, address(1), 80)).name, /^[ab]$/);
  });
});
