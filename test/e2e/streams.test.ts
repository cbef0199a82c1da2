/** Streams into pods as kubectl opens them: WebSocket from 1.30 on, SPDY before; and what goes through the API server to pods. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { Exec, KubeConfig, PortForward, type V1Status } from '@kubernetes/client-node';
import { WebSocket } from 'ws';
import { oldKubectl } from '../../scripts/kubectl.ts';
import { asKubeObject } from '../../src/apiserver/verbs/body.ts';
import { connector } from '../../src/apiserver/subresources/remotenode.ts';
import { serveUpgrades, spdyClient } from '../../src/node/server/testing.ts';
import { connection } from '../harness/api.ts';
import { eventually, execute, TestInstance, type Output } from '../harness/instance.ts';
import { pod, SHELL } from '../harness/manifests.ts';

const COPIED_BYTES = 100 * 1024 * 1024;
/** A server on the pod's loopback alone, one that answers when its client has ended its half, and one on all addresses. */
const SERVERS = [
  'mkdir -p /www/sub; echo loopback > /www/index.html; echo page > /www/sub/page',
  'httpd -p 127.0.0.1:8081 -h /www',
  'nc -ll -p 8082 -e wc -c &',
  'nc -ll -p 8083 -e echo first &',
  'exec httpd -f -p 8080 -h /www',
].join('\n');

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(servers.map((server) => new Promise<number>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  })));
  await Promise.all(servers.map((server) => new Promise((resolve) => { server.close(resolve); })));
  return ports;
}

const sha = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

describe('streams', () => {
  let telar: TestInstance;
  let old: string;
  before(async () => {
    old = oldKubectl();
    telar = await TestInstance.create();
    await telar.up();
    assert.equal((await telar.telar(['images', 'build', 'shell'])).code, 0);
    await telar.apply([
      pod('web', { command: ['sh', '-c', SERVERS], ports: [{ containerPort: 8080 }] }, {}, { labels: { app: 'web' } }),
      ...['kubectl', 'old-kubectl'].map((name) => pod(name, { command: ['sh'], stdin: true, tty: true })),
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] } },
    ]);
    await telar.k('wait', '--for=condition=Ready', 'pod/web', 'pod/kubectl', 'pod/old-kubectl', '--timeout=120s');
  });
  after(() => telar.remove());

  const run = (program: string, args: readonly string[], input = ''): Promise<Output> =>
    execute(program, ['--kubeconfig', telar.kubeconfig, '--cache-dir', join(telar.dataDir, 'kubectl-cache'), ...args], { env: telar.env, input, timeoutMs: 60_000 });
  /** In a terminal of 33 rows and 77 columns. */
  const inTerminal = (program: string, args: readonly string[]): Promise<Output> =>
    execute('script', ['-qec', `stty rows 33 cols 77; ${[program, '--kubeconfig', telar.kubeconfig, ...args].map((word) => `'${word}'`).join(' ')}`, '/dev/null'],
      { env: { ...telar.env, TERM: 'dumb' }, timeoutMs: 60_000 });

  /** Runs `use` while kubectl forwards local ports to the pod's; answers what kubectl said on its standard error. */
  async function forwarding(program: string, target: string, podPorts: readonly number[], use: (ports: readonly number[]) => Promise<void>): Promise<string> {
    const ports = await freePorts(podPorts.length);
    const child: ChildProcess = spawn(program, ['--kubeconfig', telar.kubeconfig, 'port-forward', target, ...ports.map((port, index) => `${port}:${podPorts[index] ?? 0}`)],
      { env: telar.env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [said, complaints] = ['', ''];
    child.stdout?.on('data', (chunk: Buffer) => { said += chunk.toString(); });
    child.stderr?.on('data', (chunk: Buffer) => { complaints += chunk.toString(); });
    try {
      await eventually('kubectl listens', () => Promise.resolve(ports.every((port) => said.includes(`127.0.0.1:${port} `))), 30_000);
      await use(ports);
    } finally {
      child.kill();
    }
    return complaints;
  }
  const page = (port: number, path = '/'): Promise<string> => execute('curl', ['-sS', '-m', '20', `http://127.0.0.1:${port}${path}`]).then(({ stdout, stderr }) => `${stdout}${stderr}`.trim());
  /** Sends everything, ends its half, and reads what comes. */
  const exchange = (port: number, sent: Buffer): Promise<string> => {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    socket.end(sent);
    return text(socket);
  };

  for (const which of ['kubectl', 'kubectl 1.20']) {
    const program = (): string => (which === 'kubectl' ? 'kubectl' : old);

    it(`${which}: exec passes input, both outputs and the exit code`, async () => {
      const asked = await run(program(), ['exec', '-i', 'web', '--', 'sh', '-c', 'cat; echo to stderr >&2; exit 7'], 'through stdin');
      assert.deepEqual([asked.code, asked.stdout], [7, 'through stdin']);
      assert.match(asked.stderr, /to stderr[^]*command terminated with exit code 7/);
      assert.equal((await run(program(), ['exec', '-i', 'web', '--', 'wc', '-c'], 'x'.repeat(3_000_000))).stdout.trim(), '3000000');
      assert.equal((await run(program(), ['exec', 'web', '--', 'no-such-program'])).code, 127);
      assert.match((await run(program(), ['exec', 'web', '-c', 'nobody', '--', 'true'])).stderr, /container (nobody is not valid for|not found in) pod/);
    });

    it(`${which}: a terminal has its client's size`, async () => {
      const asked = await inTerminal(program(), ['exec', '-it', 'web', '--', 'sh', '-c', 'n=0; until [ "$(stty size)" = "33 77" ] || [ $n = 50 ]; do n=$((n+1)); sleep 0.1; done; stty size']);
      assert.match(asked.stdout, /33 77/);
    });

    it(`${which}: attach reaches the container's own process`, async () => {
      const name = which === 'kubectl' ? 'kubectl' : 'old-kubectl';
      const asked = await run(program(), ['attach', '-i', name], 'echo typed by $((40+2))\nexit\n');
      assert.match(`${asked.stdout}${await telar.k('logs', name, '--tail=20')}`, /typed by 42/);
    });

    it(`${which}: what is typed into a container does not end with who types it`, async () => {
      const name = which === 'kubectl' ? 'cat' : 'old-cat';
      await telar.apply(pod(name, { command: ['cat'], stdin: true }));
      await telar.k('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s');
      for (const line of ['', 'first', 'second']) {
        const attached = spawn(program(), ['--kubeconfig', telar.kubeconfig, 'attach', ...(line === '' ? [] : ['-i']), name], { env: telar.env, stdio: ['pipe', 'pipe', 'ignore'] });
        let shown = '';
        attached.stdout.on('data', (chunk: Buffer) => { shown += chunk.toString(); });
        attached.stdin.end(line === '' ? '' : `${line}\n`);
        await (line === '' ? new Promise((resolve) => { setTimeout(resolve, 500); }) : eventually(`${line} comes back`, () => Promise.resolve(shown.includes(line)), 30_000));
        attached.kill();
      }
      assert.equal(await telar.k('logs', name), 'first\nsecond');
      assert.equal(await telar.jsonpath(`pod ${name}`, '{.status.containerStatuses[0].restartCount}'), '0');
      await telar.k('delete', 'pod', name, '--now');
    });

    it(`${which}: run -it --rm gives the exit code and leaves nothing`, async () => {
      const name = which === 'kubectl' ? 'visitor' : 'old-visitor';
      const asked = await run(program(), ['run', name, '-i', '--rm', '--restart=Never', `--image=${SHELL}`, '--', 'sh', '-c', 'read line; echo got $line; exit 3'], 'a line\n');
      assert.match(asked.stdout, /got a line/);
      assert.equal(asked.code, 3);
      await eventually('the pod is gone', async () => (await telar.kubectl(['get', 'pod', name])).code !== 0);
    });

    it(`${which}: port-forward reaches the pod's localhost, many times at once, and keeps halves apart`, async () => {
      const complaints = await forwarding(program(), 'pod/web', [8080, 8081, 8082, 8083, 9], async ([all = 0, loopback = 0, counting = 0, first = 0, nobody = 0]) => {
        assert.deepEqual(await Promise.all([page(all), ...Array.from({ length: 8 }, () => page(loopback))]), Array.from({ length: 9 }, () => 'loopback'));
        assert.equal((await exchange(counting, Buffer.alloc(2_000_000))).trim(), '2000000', 'the answer comes after the question has ended');
        assert.equal((await exchange(first, Buffer.alloc(0))).trim(), 'first', 'a server may speak first');
        await page(nobody);
      });
      assert.match(complaints, /error forwarding port 9 to pod web_default, uid [0-9a-f-]{36}: failed to connect to localhost:9 inside namespace .*connect: connection refused/);
    });
  }

  it('copies 100 MB both ways, and the old one less', async () => {
    const [here, back] = [join(telar.dataDir, 'big'), join(telar.dataDir, 'back')];
    for (const [program, bytes] of [['kubectl', COPIED_BYTES], [old, COPIED_BYTES / 10]] as const) {
      writeFileSync(here, randomBytes(bytes));
      assert.equal((await run(program, ['cp', here, 'web:/tmp/big'])).code, 0);
      assert.equal((await run(program, ['cp', 'web:/tmp/big', back])).code, 0);
      assert.equal(sha(back), sha(here));
    }
  });

  it('forwards to services and deployments', async () => {
    await forwarding('kubectl', 'svc/web', [80], async ([port = 0]) => { assert.equal(await page(port), 'loopback'); });
    await forwarding(old, 'service/web', [80], async ([port = 0]) => { assert.equal(await page(port), 'loopback'); });
  });

  it('reaches a node elsewhere in the same way, over its HTTPS port', async () => {
    const read = (name: string): string => readFileSync(join(telar.dataDir, 'pki', name), 'utf8');
    const [name = ''] = (await telar.k('get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}')).split(' ');
    const address = await telar.jsonpath(`node ${name}`, '{.status.addresses[?(@.type=="InternalIP")].address}');
    const port = Number(await telar.jsonpath(`node ${name}`, '{.status.daemonEndpoints.kubeletEndpoint.Port}'));
    const node = asKubeObject({
      apiVersion: 'v1', kind: 'Node', metadata: { name }, status: { addresses: [{ type: 'InternalIP', address }], daemonEndpoints: { kubeletEndpoint: { Port: port } } },
    });
    const handler = connector({ connect: () => undefined }, {
      nodeOf: () => node, trust: () => ({ ca: read('ca.crt'), client: { cert: read('apiserver-kubelet-client.crt'), key: read('apiserver-kubelet-client.key') } }),
    }).connect(name);
    assert.ok(handler !== undefined);
    const front = await serveUpgrades(({ req, socket, head }) => {
      handler.upgrade(req.url ?? '/', req, socket, head);
      return Promise.resolve();
    });
    try {
      const headers = (more: Record<string, string>): Map<string, string> => new Map(Object.entries(more));
      const forward = await spdyClient(front.port, 'portforward.k8s.io', '/portForward/default/web');
      const streams = ['error', 'data'].map((streamtype) => forward.session.open(headers({ streamtype, port: '8082', requestid: '0' })));
      const [error, data] = streams;
      assert.ok(error && data);
      data.end(Buffer.alloc(1_000_000));
      assert.equal((await text(data)).trim(), '1000000');
      forward.session.destroy();
      const exec = await spdyClient(front.port, 'v4.channel.k8s.io', '/exec/default/web/main?output=1&error=1&command=sh&command=-c&command=echo+hello%3B+exit+3');
      const [failure, stdout] = ['error', 'stdout', 'stderr'].map((streamtype) => exec.session.open(headers({ streamtype })));
      assert.ok(failure && stdout);
      failure.end();
      assert.deepEqual([await text(stdout), /"ExitCode","message":"3"/.test(await text(failure))], ['hello\n', true]);
      exec.session.destroy();
    } finally {
      front.close();
    }
  });

  it('serves the client library: exec and port-forward', async () => {
    const config = new KubeConfig();
    config.loadFromFile(telar.kubeconfig);
    const collect = (): { stream: PassThrough; said: () => string } => {
      const stream = new PassThrough();
      let said = '';
      stream.on('data', (chunk: Buffer) => { said += chunk.toString(); });
      return { stream, said: () => said };
    };
    const [out, error, page] = [collect(), collect(), collect()];
    const ended = new Promise<V1Status>((resolve, reject) => {
      new Exec(config).exec('default', 'web', 'main', ['sh', '-c', 'read line; echo got $line; echo oh >&2; exit 4'], out.stream, error.stream, Readable.from(['input\n']), false, resolve).catch(reject);
    });
    const status = await ended;
    assert.equal(status.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message, '4');
    assert.deepEqual([out.said(), error.said()], ['got input\n', 'oh\n']);
    const input = new PassThrough();
    const forward = await new PortForward(config).portForward('default', 'web', [8081], page.stream, null, input);
    input.write('GET /index.html HTTP/1.0\r\n\r\n');
    await eventually('the page comes', () => Promise.resolve(/200 OK[^]*loopback/.test(page.said())), 20_000);
    if (typeof forward === 'object') {
      forward.close();
    }
  });

  it('forwards ports over WebSocket channels', async () => {
    const { host, port, ca, cert, key } = await connection(telar.kubeconfig);
    const received = new Map<number, string>();
    const socket = new WebSocket(`wss://${host}:${port}/api/v1/namespaces/default/pods/web/portforward?ports=8081&ports=9`, ['v4.channel.k8s.io'], { ca, cert, key });
    socket.on('message', (data: Buffer) => { received.set(data[0] ?? 0, `${received.get(data[0] ?? 0) ?? ''}${data.subarray(1).toString('latin1')}`); });
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    const closed = new Promise((resolve) => { socket.once('close', resolve); });
    socket.send(Buffer.concat([Buffer.from([0]), Buffer.from('GET /index.html HTTP/1.0\r\n\r\n')]));
    await closed;
    const [data = '', errors = '', , refusal = ''] = [0, 1, 2, 3].map((channel) => received.get(channel));
    assert.equal(data.slice(0, 2), '\x91\x1f', 'the port, little-endian');
    assert.match(data.slice(2), /^HTTP\/1\.[01] 200 OK[^]*loopback\n$/);
    assert.equal(errors, '\x91\x1f');
    assert.equal(refusal.slice(0, 2), '\t\0');
    assert.match(refusal.slice(2), /^error forwarding port 9 to pod web_default/);
  });

  it('passes requests on to pods and services', async () => {
    const raw = (path: string): Promise<Output> => telar.kubectl(['get', '--raw', `/api/v1/namespaces/default/${path}`]);
    assert.equal((await raw('pods/web/proxy/')).stdout, 'loopback\n');
    assert.equal((await raw('pods/web:8080/proxy/sub/page')).stdout, 'page\n');
    assert.equal((await raw('services/web:http/proxy/sub/page')).stdout, 'page\n');
    assert.match((await raw('pods/web:9/proxy/')).stderr, /ServiceUnavailable\): error trying to reach service: dial tcp [\d.]+:9: connect: connection refused/);
    const [port = 0] = await freePorts(1);
    const proxy = spawn('kubectl', ['--kubeconfig', telar.kubeconfig, 'proxy', `--port=${port}`], { env: telar.env, stdio: 'ignore' });
    try {
      const base = `http://127.0.0.1:${port}/api/v1/namespaces/default/pods/web:8080/proxy`;
      await eventually('kubectl proxies', async () => (await execute('curl', ['-s', '-m', '5', `${base}/`])).stdout === 'loopback\n', 30_000);
      // The pod's own redirect to the folder's slash leads through the proxy again.
      assert.match((await execute('curl', ['-si', '-m', '5', `${base}/sub`])).stdout, /location: \/api\/v1\/namespaces\/default\/pods\/web:8080\/proxy\/sub\//i);
    } finally {
      proxy.kill();
    }
  });

  it('asks for create, however a stream is opened', async () => {
    for (const [user, verb] of [['reader', 'get'], ['writer', 'create']] as const) {
      await telar.k('create', 'role', user, `--verb=${verb}`, '--resource=pods/exec');
      await telar.k('create', 'rolebinding', user, `--role=${user}`, `--user=${user}`);
      await telar.k('create', 'rolebinding', `${user}-view`, '--clusterrole=view', `--user=${user}`);
    }
    for (const program of ['kubectl', old]) {
      const refused = await run(program, ['--as=reader', 'exec', 'web', '--', 'echo', 'hello']);
      assert.match(refused.stderr, /pods "web" is forbidden: User "reader" cannot create resource "pods\/exec" in API group "" in the namespace "default"/);
      assert.equal((await run(program, ['--as=writer', 'exec', 'web', '--', 'echo', 'hello'])).stdout, 'hello\n');
    }
  });

  it('resizes a container that runs', async () => {
    await telar.apply(pod('sized', { resources: { limits: { cpu: '500m', memory: '64Mi' } } }));
    await telar.k('wait', '--for=condition=Ready', 'pod/sized', '--timeout=60s');
    await telar.k('patch', 'pod', 'sized', '--subresource=resize', '-p', '{"spec":{"containers":[{"name":"main","resources":{"limits":{"memory":"96Mi"},"requests":{"memory":"96Mi"}}}]}}');
    await eventually('the status says so', async () => (await telar.jsonpath('pod sized', '{.status.containerStatuses[0].resources.limits.memory} {.status.containerStatuses[0].restartCount}')) === '96Mi 0');
    const limit = await telar.k('exec', 'sized', '--', 'sh', '-c', 'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; true');
    assert.equal(limit, String(96 * 1024 * 1024));
    await telar.k('delete', 'pod', 'sized', '--now');
  });

  it('shows one of the two streams of a log', async () => {
    await telar.apply(pod('talker', { command: ['sh', '-c', 'echo out; echo err >&2; sleep 100000'] }));
    await telar.k('wait', '--for=condition=Ready', 'pod/talker', '--timeout=60s');
    const log = (query: string): Promise<string> => telar.k('get', '--raw', `/api/v1/namespaces/default/pods/talker/log?${query}`);
    await eventually('it has spoken', async () => (await log('')).split('\n').length === 2);
    assert.equal(await log('stream=Stdout'), 'out');
    assert.equal(await log('stream=Stderr'), 'err');
  });

  it('debugs a running pod beside its processes, and copies of it, and nodes', async () => {
    const asked = await run('kubectl', ['debug', 'web', '-i', '--profile=general', `--image=${SHELL}`, '--target=main', '-c', 'looker', '--', 'sh', '-c', 'read line; echo $line; ps | grep httpd'], 'a line\n');
    const seen = `${asked.stdout}${await telar.k('logs', 'web', '-c', 'looker')}`;
    assert.match(seen, /a line[^]*httpd -f -p 8080/);
    await eventually('it has ended', async () => (await telar.jsonpath('pod web', '{.status.ephemeralContainerStatuses[0].state.terminated.reason}')) === 'Completed');
    assert.match(await telar.k('get', 'pod', 'web'), /1\/1\s+Running\s+0/);
    const changed = await telar.kubectl(['patch', 'pod', 'web', '--subresource=ephemeralcontainers', '--type=json', '-p', '[{"op":"remove","path":"/spec/ephemeralContainers/0"}]']);
    assert.match(changed.stderr, /existing ephemeral containers "looker" may not be removed/);
    await telar.k('debug', 'web', '--copy-to=copy', '--share-processes', `--image=${SHELL}`, '-c', 'looker', '--', 'sh', '-c', 'until ps | grep -q "[h]ttpd -f"; do sleep 0.1; done; ps; sleep 100000');
    await eventually('it sees the copy\'s processes', async () => (await telar.k('logs', 'copy', '-c', 'looker')).includes('httpd -f -p 8080'));
    await telar.k('delete', 'pod', 'copy', '--now');
    const [node = ''] = (await telar.k('get', 'nodes', '-o', 'name')).split('\n');
    await telar.k('debug', node, '--profile=sysadmin', `--image=${SHELL}`, '--', 'sh', '-c', 'ls -d /host/etc; ls /proc | grep -c "^[0-9]"');
    const name = await eventually('there is a pod for the node', async () => /node-debugger-\S+/.exec(await telar.k('get', 'pods', '-o', 'name'))?.[0]);
    await eventually('it has looked around', async () => {
      assert.match(`${await telar.k('logs', name)}\n${await telar.k('get', 'pod', name)}`, /^\/host\/etc\n\d\d+\n/);
      return true;
    });
  });
});
