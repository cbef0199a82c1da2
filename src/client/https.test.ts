import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { StatusError } from '../apimachinery/status.ts';
import { Client } from './client.ts';
import { httpsTransport } from './https.ts';
import { parseKubeconfig } from './kubeconfig.ts';
import { CONFIGMAPS } from './resources.ts';
import { parseSimpleYaml } from './simpleyaml.ts';

async function serve(t: TestContext, handler: (request: IncomingMessage, response: ServerResponse, body: string) => void) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => handler(request, response, Buffer.concat(chunks).toString()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return httpsTransport({ server: `http://127.0.0.1:${port}/prefix`, token: 'secret' });
}

test('sends path, query, token and body, and parses the answer', async (t) => {
  const transport = await serve(t, (request, response, body) => {
    assert.equal(request.url, '/prefix/api/v1/namespaces/a/configmaps/x');
    assert.equal(request.headers.authorization, 'Bearer secret');
    assert.equal(request.headers['content-type'], 'application/merge-patch+json');
    assert.deepEqual(JSON.parse(body), { data: { a: 'ü' } });
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ metadata: { name: 'x' }, data: { a: 'ü' } }));
  });
  const patched = await new Client(transport).patch(CONFIGMAPS, { name: 'x', namespace: 'a', type: 'merge', body: { data: { a: 'ü' } } });
  assert.equal(patched.data?.['a'], 'ü');
});

test('a failure is the StatusError the server sent, or one made of its text', async (t) => {
  const transport = await serve(t, (request, response) => {
    response.statusCode = request.url?.endsWith('/x') ? 404 : 403;
    response.end(request.url?.endsWith('/x')
      ? JSON.stringify({ kind: 'Status', reason: 'NotFound', code: 404, message: 'configmaps "x" not found' }) : 'go away');
  });
  const client = new Client(transport);
  await assert.rejects(client.get(CONFIGMAPS, 'x', 'a'), (error) => error instanceof StatusError && error.reason === 'NotFound');
  await assert.rejects(client.get(CONFIGMAPS, 'y', 'a'), (error) => error instanceof StatusError && error.code === 403 && error.message === 'go away');
});

test('watch lines may be cut anywhere; an ERROR event is thrown', async (t) => {
  const event = JSON.stringify({ type: 'ADDED', object: { metadata: { name: 'ä' } } });
  const failure = JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'old' } });
  const transport = await serve(t, (_request, response) => {
    const bytes = Buffer.from(`${event}\n${event}\n${failure}\n`);
    const cut = bytes.indexOf(0xc3) + 1;
    response.write(bytes.subarray(0, cut));
    setImmediate(() => response.end(bytes.subarray(cut)));
  });
  const names: string[] = [];
  await assert.rejects(async () => {
    for await (const one of new Client(transport).watch(CONFIGMAPS)) {
      names.push(one.object.metadata.name);
    }
  }, /old/);
  assert.deepEqual(names, ['ä', 'ä']);
});

test('an aborted watch ends quietly', async (t) => {
  const transport = await serve(t, (_request, response) => {
    response.write('\n');
  });
  const stop = new AbortController();
  const watching = (async () => {
    for await (const one of new Client(transport).watch(CONFIGMAPS, { signal: stop.signal })) {
      assert.fail(JSON.stringify(one));
    }
  })();
  setTimeout(() => stop.abort(), 20);
  await watching;
});

test('Retry-After is obeyed', async (t) => {
  let asked = 0;
  const transport = await serve(t, (_request, response) => {
    asked += 1;
    response.setHeader('content-type', 'application/json');
    if (asked === 1) {
      response.statusCode = 429;
      response.setHeader('retry-after', '0');
    }
    response.end('{"metadata":{"name":"x"}}');
  });
  assert.equal((await new Client(transport).get(CONFIGMAPS, 'x', 'a')).metadata.name, 'x');
  assert.equal(asked, 2);
});

const KUBECONFIG = `apiVersion: v1
kind: Config
current-context: telar
clusters:
- cluster:
    certificate-authority-data: Y2E=
    server: https://127.0.0.1:6443
  name: telar
contexts:
  - name: telar
    context:
      cluster: telar
      namespace: "shop"
      user: admin
users:
- name: admin
  user:
    client-certificate-data: Y2VydA==
    client-key-data: a2V5
preferences: {}
`;

test('a kubeconfig of certificates is read without a library', async () => {
  assert.ok(parseSimpleYaml(KUBECONFIG) !== undefined);
  const { connection, namespace, context } = await parseKubeconfig(KUBECONFIG, { directory: '/', path: 'config' });
  assert.deepEqual(connection, { server: 'https://127.0.0.1:6443', ca: 'ca', cert: 'cert', key: 'key' });
  assert.equal(namespace, 'shop');
  assert.equal(context, 'telar');
  await assert.rejects(parseKubeconfig(KUBECONFIG, { context: 'other', directory: '/', path: 'config' }), /config has no context other/);
});

test('what the small reader is unsure of goes to the YAML library', async () => {
  const flow = KUBECONFIG.replace('preferences: {}', 'preferences: {a: [1, 2]}');
  assert.equal(parseSimpleYaml(flow), undefined);
  const { connection } = await parseKubeconfig(flow, { directory: '/', path: 'config' });
  assert.equal(connection.cert, 'cert');
});

test('credentials from a program come through client-node', async () => {
  const exec = KUBECONFIG.replace(/ {4}client-certificate-data.*\n.*a2V5\n/, `    exec:
      apiVersion: client.authentication.k8s.io/v1
      interactiveMode: Never
      command: echo
      args:
      - '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"made"}}'
`);
  const { connection } = await parseKubeconfig(exec, { directory: '/', path: 'config' });
  assert.equal(typeof connection.token === 'function' ? await connection.token() : '', 'made');
});
