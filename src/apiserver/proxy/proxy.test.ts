/** Where proxies lead, and what of an answer they change. What a real pod answers is in test/e2e/streams.test.ts. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, IncomingMessage, request, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, describe, it, test } from 'node:test';
import { pod, PODS, TestServer } from '../testing/harness.ts';
import { internalError } from '../../apimachinery/status.ts';
import { forwardRequest } from './forward.ts';
import { LinkRewriter } from './links.ts';
import { splitSchemeNamePort } from './location.ts';
import { rewriteLocation } from './podproxy.ts';

test('names carry a port and a scheme', () => {
  assert.deepEqual(splitSchemeNamePort('web'), { secure: false, name: 'web', port: '' });
  assert.deepEqual(splitSchemeNamePort('web:8080'), { secure: false, name: 'web', port: '8080' });
  assert.deepEqual(splitSchemeNamePort('https:web:'), { secure: true, name: 'web', port: '' });
  assert.deepEqual(splitSchemeNamePort(':web:http'), { secure: false, name: 'web', port: 'http' });
  for (const wrong of ['', ':', 'ftp:web:1', 'a:b:c:d']) {
    assert.equal(splitSchemeNamePort(wrong), undefined, wrong);
  }
});

test('redirects to the pod itself lead through the proxy, others do not', () => {
  const prefix = '/api/v1/namespaces/default/pods/web:80/proxy';
  const cases: [string, string][] = [
    ['/login?next=%2F#top', `${prefix}/login?next=%2F#top`],
    ['http://10.42.0.5:80/a', `${prefix}/a`],
    ['https://api.example.com/a', `${prefix}/a`],
    ['https://elsewhere.example.com/a', 'https://elsewhere.example.com/a'],
    ['relative', 'relative'],
    [`${prefix}/already`, `${prefix}/already`],
    ['http://[', 'http://['],
  ];
  for (const [location, wanted] of cases) {
    assert.equal(rewriteLocation(location, prefix, ['10.42.0.5', '10.42.0.5:80', 'api.example.com']), wanted, location);
  }
});

test('links of a page lead through the proxy, however its bytes are cut', async () => {
  const page = '<!DOCTYPE html><html><head><link rel=x href="/style.css"><script src=/app.js></script></head><body>'
    + '<a href="/sub/page?x=1#y">1 < 2</a><a href=\'relative\'>b</a><img alt="a > b" src="https://elsewhere.example.com/i.png"><p href="/not">/text</p>'
    + '<a title="href=/x" href="http://10.42.0.5/z">é</a><form action="/go"></form><script>var a = "<a href=\\"/s\\">";</script><a href="/unfinished';
  const wanted = page.replace('"/style.css"', '"/p/style.css"').replace('src=/app.js', 'src=/p/app.js').replace('"/sub/page', '"/p/sub/page')
    .replace('"http://10.42.0.5/z"', '"/p/z"').replace('action="/go"', 'action="/p/go"');
  const bytes = Buffer.from(page);
  for (const size of [1, 2, 7, 31, 64, bytes.length]) {
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
    const rewriter = new LinkRewriter((url) => rewriteLocation(url, '/p', ['10.42.0.5']));
    assert.equal(await text(Readable.from(pieces).pipe(rewriter)), wanted, `pieces of ${size}`);
  }
});

test('headers of one connection are not passed on, whoever names them', async () => {
  const listen = async (handle: RequestListener): Promise<{ port: number; [Symbol.asyncDispose](): Promise<void> }> => {
    const server = createServer(handle).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    return {
      port: typeof address === 'object' && address !== null ? address.port : 0,
      [Symbol.asyncDispose]: () => new Promise((resolve) => {
        server.close(() => { resolve(); });
        server.closeAllConnections();
      }),
    };
  };
  let seen: IncomingHttpHeaders = {};
  await using backend = await listen((req, res) => {
    seen = req.headers;
    res.writeHead(200, { connection: 'X-Secret-Answer', 'x-secret-answer': 'a', 'x-answer': 'b' });
    res.end('whole');
  });
  await using front = await listen((req, res) => {
    forwardRequest({ secure: false, options: { host: '127.0.0.1', port: backend.port }, unreachable: (error) => internalError(error.message), headers: { 'x-own': 'mine' } }, '/', req, res);
  });
  const asked = request({ host: '127.0.0.1', port: front.port, headers: { connection: 'close, X-Hop , x-own', 'x-hop': '1', 'x-own': 'theirs', 'x-end': '2', te: 'trailers' } }).end();
  const [answer] = await once(asked, 'response');
  assert.ok(answer instanceof IncomingMessage);
  assert.equal(await text(answer), 'whole');
  assert.deepEqual([seen['x-hop'], seen['x-end'], seen['x-own'], seen.te], [undefined, '2', 'mine', undefined]);
  assert.deepEqual([answer.headers['x-secret-answer'], answer.headers['x-answer']], [undefined, 'b']);
});

const SERVICES = '/api/v1/namespaces/default/services';

describe('proxies', () => {
  let s: TestServer;
  before(async () => {
    s = await TestServer.start();
    await s.post('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } });
  });
  after(() => s.close());

  const message = async (path: string): Promise<string> => {
    const reply = await s.get(path);
    return `${reply.code} ${String(reply.json['message'])}`;
  };

  it('leads nowhere but to pods', async () => {
    assert.equal(await message(`${PODS}/nobody/proxy/`), '404 pods "nobody" not found');
    assert.equal(await message(`${PODS}/ftp:a:1/proxy/`), '400 invalid pod request "ftp:a:1"');
    await s.post(PODS, pod('one', { nodeName: 'n1' }));
    assert.equal(await message(`${PODS}/one/proxy/`), '400 address not allowed');
    for (const podIP of ['127.0.0.1', '169.254.169.254', '::1', 'fe80::1', '224.0.0.1']) {
      await s.patch(`${PODS}/one/status`, { status: { podIP, podIPs: [{ ip: podIP }] } });
      assert.equal(await message(`${PODS}/one/proxy/`), '400 address not allowed', podIP);
    }
  });

  it('sends a client to the root of what it asks for', async () => {
    await s.patch(`${PODS}/one/status`, { status: { podIP: '192.0.2.7', podIPs: [{ ip: '192.0.2.7' }] } });
    const reply = await s.get(`${PODS}/one:80/proxy?a=b`);
    assert.equal(reply.code, 301);
    assert.equal(reply.headers.location, `${PODS}/one:80/proxy/?a=b`);
  });

  it('takes a service only to ready pods that its slices name rightly', async () => {
    assert.equal(await message(`${SERVICES}/web/proxy/`), '404 services "web" not found');
    await s.post(SERVICES, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { ports: [{ name: 'http', port: 80 }] } });
    assert.equal(await message(`${SERVICES}/web:81/proxy/`), '503 no service port 81 found for service "web"');
    assert.equal(await message(`${SERVICES}/web:80/proxy/`), '503 no endpoints available for service "web:80"');
    const slice = (address: string, targetRef: unknown): unknown => ({
      apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { generateName: 'web-', labels: { 'kubernetes.io/service-name': 'web' } }, addressType: 'IPv4',
      endpoints: [{ addresses: [address], targetRef }], ports: [{ name: 'http', port: 80 }],
    });
    const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
    assert.equal((await s.post(slices, slice('10.0.0.9', { kind: 'Pod', namespace: 'default', name: 'one' }))).code, 201, 'an address that is not the pod');
    assert.equal((await s.post(slices, slice('192.0.2.7', { kind: 'Pod', namespace: 'other', name: 'one' }))).code, 201, 'a pod of another namespace');
    assert.equal((await s.post(slices, slice('192.0.2.7', undefined))).code, 201, 'no pod');
    assert.equal(await message(`${SERVICES}/web:http/proxy/`), '503 no endpoints available for service "web:http"');
  });
});
