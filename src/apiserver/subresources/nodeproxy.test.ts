import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { after, before, describe, it } from 'node:test';
import type { NodeHandler } from '../../apimachinery/nodehandler.ts';
import { pod, PODS, TestServer } from '../testing/harness.ts';

interface Seen {
  target: string;
  headers: IncomingMessage['headers'];
}

/** A node that says what it was asked, and echoes what it is sent over an upgraded connection. */
class EchoNode implements NodeHandler {
  readonly seen: Seen[] = [];

  request(target: string, req: Parameters<NodeHandler['request']>[1], res: Parameters<NodeHandler['request']>[2]): void {
    this.seen.push({ target, headers: req.headers });
    const reply = res as ServerResponse;
    reply.writeHead(200, { 'content-type': 'text/plain' });
    req.on('data', (chunk: Buffer) => reply.write(chunk));
    req.on('end', () => reply.end(`node says ${target}`));
    req.resume();
  }

  upgrade(target: string, req: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.seen.push({ target, headers: req.headers });
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: ${req.headers['sec-websocket-protocol'] ?? ''}\r\n\r\n`);
    socket.write(head);
    socket.pipe(socket);
  }
}

interface Upgraded {
  status: number;
  headers: IncomingMessage['headers'];
  echo: string;
}

/** Asks for an upgrade, sends `hello` when it gets one. */
function upgrade(s: TestServer, path: string, headers: Record<string, string>, method = 'GET'): Promise<Upgraded> {
  return new Promise((resolve, reject) => {
    const asked = request({
      host: '127.0.0.1', port: s.port, ca: s.pki.ca.cert, path, method, agent: false,
      headers: { connection: 'Upgrade', upgrade: 'websocket', ...headers },
    });
    asked.on('upgrade', (incoming, socket) => {
      socket.on('data', (chunk: Buffer) => {
        socket.destroy();
        resolve({ status: 101, headers: incoming.headers, echo: chunk.toString() });
      });
      socket.write('hello');
    });
    asked.on('response', (incoming) => {
      incoming.resume();
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, echo: '' });
    });
    asked.on('error', reject);
    asked.end();
  });
}

describe('node proxy', () => {
  let s: TestServer;
  const node = new EchoNode();
  const last = (): Seen => node.seen.at(-1) ?? { target: '', headers: {} };
  const admin = (): Record<string, string> => ({ authorization: `Bearer ${s.pki.adminToken}` });

  before(async () => {
    s = await TestServer.start({ nodes: { connect: (name) => (name === 'n1' ? node : undefined) } });
    await s.post('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } });
    await s.post(PODS, pod('one', { nodeName: 'n1' }));
    await s.post(PODS, pod('two', { nodeName: 'n1', containers: [{ name: 'a', image: 'x:1' }, { name: 'b', image: 'x:1' }], initContainers: [{ name: 'i', image: 'x:1' }] }));
    await s.post(PODS, pod('waiting'));
    await s.post(PODS, pod('lost', { nodeName: 'n2' }));
  });
  after(() => s.close());

  it('rewrites log requests to the kubelet\'s path', async () => {
    const log = await s.get(`${PODS}/one/log?tailLines=5&follow=false&insecureSkipTLSVerifyBackend=true`);
    assert.equal(log.code, 200);
    assert.equal(log.text, 'node says /containerLogs/default/one/c?follow=false&tailLines=5');
    assert.equal(last().headers.authorization, undefined, 'credentials stay here');
    assert.equal((await s.get(`${PODS}/waiting/log`)).text, '', 'nobody has written yet');
  });

  it('wants to know the container', async () => {
    const which = await s.get(`${PODS}/two/log`);
    assert.equal(which.code, 400);
    assert.equal(which.json['message'], 'a container name must be specified for pod two, choose one of: [a b] or one of the init containers: [i]');
    assert.equal((await s.get(`${PODS}/two/log?container=i`)).code, 200);
    const none = await s.get(`${PODS}/two/log?container=zzz`);
    assert.equal(none.json['message'], 'container zzz is not valid for pod two');
    assert.equal((await s.get(`${PODS}/one/log?tailLines=-1`)).code, 422);
    assert.equal((await s.get(`${PODS}/one/log?tailLines=x`)).code, 400);
    const message = async (query: string): Promise<string> => String((await s.get(`${PODS}/one/log?${query}`)).json['message']);
    assert.equal(await message('stream=Both'), 'PodLogOptions "one" is invalid: stream: Unsupported value: "Both": supported values: "All", "Stderr", "Stdout"');
    assert.match(await message('stream=Stdout&tailLines=1'), /`tailLines` and specific `stream` are mutually exclusive for now/);
    assert.equal(await message('sinceTime=noon'), 'parsing time "noon" as "2006-01-02T15:04:05Z07:00": cannot parse "noon" as "2006"');
    assert.equal((await s.get(`${PODS}/one/log?stream=Stderr`)).text, 'node says /containerLogs/default/one/c?stream=Stderr');
    assert.equal((await s.get(`${PODS}/nobody/log`)).code, 404);
    await s.patch(`${PODS}/two`, { metadata: { annotations: { 'kubectl.kubernetes.io/default-container': 'b' } } });
    assert.equal((await s.get(`${PODS}/two/log`)).text, 'node says /containerLogs/default/two/b');
  });

  it('passes exec on as bytes', async () => {
    const path = `${PODS}/one/exec?command=echo&command=a+b&container=c&stdin=true&stdout=true&tty=true`;
    const upgraded = await upgrade(s, path, { ...admin(), 'sec-websocket-protocol': 'v5.channel.k8s.io' });
    assert.equal(upgraded.status, 101);
    assert.equal(upgraded.echo, 'hello');
    assert.equal(last().target, '/exec/default/one/c?input=1&output=1&tty=1&command=echo&command=a+b');
    const spdy = await upgrade(s, path, { ...admin(), upgrade: 'SPDY/3.1' }, 'POST');
    assert.equal(spdy.status, 101);
    await upgrade(s, `${PODS}/one/exec?command=echo&stdin=False&stdout=True&tty=False`, { ...admin(), 'sec-websocket-protocol': 'v4.channel.k8s.io' });
    assert.equal(last().target, '/exec/default/one/c?output=1&command=echo', "as Python's clients write it");
  });

  it('reads a token among the subprotocols and lets nobody see it', async () => {
    const token = Buffer.from(s.pki.adminToken).toString('base64url');
    const upgraded = await upgrade(s, `${PODS}/one/attach?stdout=true`, { 'sec-websocket-protocol': `base64url.bearer.authorization.k8s.io.${token}, v5.channel.k8s.io` });
    assert.equal(upgraded.status, 101);
    assert.equal(upgraded.headers['sec-websocket-protocol'], 'v5.channel.k8s.io');
    assert.equal(last().headers['sec-websocket-protocol'], 'v5.channel.k8s.io');
  });

  it('refuses before it upgrades', async () => {
    assert.equal((await upgrade(s, `${PODS}/one/exec?command=x&stdout=true`, {})).status, 401);
    assert.equal((await upgrade(s, `${PODS}/nobody/exec?command=x&stdout=true`, admin())).status, 404);
    assert.equal((await upgrade(s, `${PODS}/one/exec?command=x`, admin())).status, 400);
    assert.equal((await upgrade(s, `${PODS}/waiting/exec?command=x&stdout=true`, admin())).status, 400);
    assert.equal((await upgrade(s, `${PODS}/lost/exec?command=x&stdout=true`, admin())).status, 503);
    assert.equal((await upgrade(s, '/api/v1/namespaces/default/configmaps', admin())).status, 400);
    assert.equal((await s.get(`${PODS}/one/exec?command=x&stdout=true`)).code, 400);
  });

  it('gives the administrator every path of a node', async () => {
    assert.equal((await s.get('/api/v1/nodes/n1/proxy/stats/summary?only_cpu=true')).text, 'node says /stats/summary?only_cpu=true');
    const built = await s.ask({ method: 'POST', path: '/api/v1/nodes/n1/proxy/telar/images/build?name=x', body: Buffer.alloc(5 * 1024 * 1024, 0x61) });
    assert.equal(built.text.length, 5 * 1024 * 1024 + 'node says /telar/images/build?name=x'.length, 'a node may take more than the API does');
    assert.equal((await s.get('/api/v1/nodes/n9/proxy/x')).code, 404);
    assert.equal((await s.get('/api/v1/nodes/https:n1:10250/proxy/metrics/cadvisor')).text, 'node says /metrics/cadvisor');
    assert.equal((await s.get('/api/v1/nodes/n1:22/proxy/x')).code, 400, 'other ports are not the API server\'s to reach');
  });

  it('reaches nodes elsewhere over mutual TLS', async () => {
    const remote = new EchoNode();
    const users: unknown[] = [];
    const server = createServer({ key: s.pki.kubeletServing.key, cert: s.pki.kubeletServing.cert, ca: s.pki.ca.cert, requestCert: true, rejectUnauthorized: true }, (req, res) => {
      users.push(req.socket instanceof TLSSocket ? req.socket.getPeerCertificate().subject.CN : undefined);
      remote.request(req.url ?? '', req, res);
    });
    server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => remote.upgrade(req.url ?? '', req, socket, head));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    try {
      const { port } = server.address() as AddressInfo;
      // The test's kubelet certificate is for the node called `here`.
      await s.post('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'here' } });
      await s.patch('/api/v1/nodes/here/status', { status: { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port: port } } } });
      await s.post(PODS, pod('far', { nodeName: 'here' }));
      assert.equal((await s.get(`${PODS}/far/log`)).text, 'node says /containerLogs/default/far/c');
      assert.deepEqual(users, ['kube-apiserver-kubelet-client']);
      const upgraded = await upgrade(s, `${PODS}/far/exec?command=x&stdout=true`, { ...admin(), 'sec-websocket-protocol': 'v5.channel.k8s.io' });
      assert.equal(upgraded.echo, 'hello');
      assert.equal(remote.seen.at(-1)?.headers.authorization, undefined);
      const spdy = await upgrade(s, `${PODS}/far/portforward`, { ...admin(), upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'portforward.k8s.io' }, 'POST');
      assert.equal(spdy.echo, 'hello');
      const { target, headers } = remote.seen.at(-1) ?? { target: '', headers: {} };
      assert.deepEqual([target, headers.upgrade, headers['x-stream-protocol-version']], ['/portForward/default/far', 'SPDY/3.1', 'portforward.k8s.io']);
    } finally {
      server.closeAllConnections();
      server.close();
    }
    const down = await s.get(`${PODS}/far/log`);
    assert.equal(down.code, 500);
    assert.match(String(down.json['message']), /error dialing node here/);
  });
});
