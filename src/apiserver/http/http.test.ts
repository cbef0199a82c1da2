import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { connect as connectH2 } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { after, before, describe, it } from 'node:test';
import { MAX_BODY_BYTES } from '../limits.ts';
import { at, CMS, configMap, TestServer, type Reply } from '../testing/harness.ts';

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json';
const PROTO_OPENAPI = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

/** Sends bytes as they are and reads until the server closes. */
function raw(port: number, ca: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port, ca, servername: 'localhost', ALPNProtocols: ['http/1.1'] }, () => socket.write(text));
    let answer = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

describe('http', () => {
  let s: TestServer;
  before(async () => {
    s = await TestServer.start({ tokenFile: 'reader-token,reader,u1,"readers,others"\n' });
  });
  after(() => s.close());

  describe('who may come in', () => {
    it('answers anonymous requests for health and version only', async () => {
      for (const path of ['/livez', '/readyz', '/healthz', '/version']) {
        assert.equal((await s.ask({ path, token: null })).code, 200, path);
      }
      for (const path of ['/api', '/apis', '/openapi/v3', '/metrics', '/api/v1/namespaces', '/nothing']) {
        const refused = await s.ask({ path, token: null });
        assert.equal(refused.code, 401, path);
        assert.deepEqual(refused.json, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: 'Unauthorized', reason: 'Unauthorized', code: 401 });
      }
    });

    it('knows clients by certificate and by token', async () => {
      const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
      const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
      const admin = await s.ask({ method: 'POST', path, body: review, certificate: s.pki.admin });
      assert.deepEqual(at(admin.json, 'status', 'userInfo'), {
        username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'],
        extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${new X509Certificate(s.pki.admin.cert).fingerprint256.replaceAll(':', '').toLowerCase()}`] },
      });
      const reader = await s.ask({ method: 'POST', path, body: review, token: 'reader-token' });
      assert.deepEqual(at(reader.json, 'status', 'userInfo'), { username: 'reader', uid: 'u1', groups: ['readers', 'others', 'system:authenticated'] });
      assert.equal((await s.ask({ path: '/api/v1/services', certificate: s.pki.kubeletClient })).code, 200);
      assert.equal((await s.ask({ path: '/api/v1/namespaces', certificate: s.pki.kubeletClient })).code, 403);
      assert.equal((await s.ask({ path: '/api/v1/namespaces', token: 'wrong' })).code, 401);
      assert.equal((await s.ask({ path: '/livez', token: 'wrong' })).code, 401, 'a wrong token is worse than none');
    });

    it('refuses certificates of other authorities', async () => {
      const stranger = await TestServer.start();
      try {
        assert.equal((await s.ask({ path: '/api/v1/namespaces', certificate: stranger.pki.admin })).code, 401);
        const headers = { authorization: `Bearer ${s.pki.adminToken}` };
        assert.equal((await s.ask({ path: '/api/v1/namespaces', certificate: stranger.pki.admin, headers })).code, 200, 'a good token counts beside it, as in Kubernetes');
      } finally {
        await stranger.close();
      }
    });

    it('refuses who has no right, in Kubernetes\' words', async () => {
      const list = await s.ask({ path: '/api/v1/namespaces/default/pods', token: 'reader-token' });
      assert.equal(list.code, 403);
      assert.equal(list.json['message'], 'pods is forbidden: User "reader" cannot list resource "pods" in API group "" in the namespace "default"');
      const scale = await s.ask({ method: 'PUT', path: '/apis/apps/v1/namespaces/x/deployments/y/scale', token: 'reader-token', body: {} });
      assert.equal(scale.json['message'],
        'deployments.apps "y" is forbidden: User "reader" cannot update resource "deployments/scale" in API group "apps" in the namespace "x"');
      const nodes = await s.ask({ path: '/api/v1/nodes', token: 'reader-token' });
      assert.equal(nodes.json['message'], 'nodes is forbidden: User "reader" cannot list resource "nodes" in API group "" at the cluster scope');
      assert.equal((await s.ask({ path: '/metrics', token: 'reader-token' })).json['message'], 'forbidden: User "reader" cannot get path "/metrics"');
      assert.equal((await s.ask({ path: '/api', token: 'reader-token' })).code, 200);
    });

    it('lets the administrator act as others, and nobody else', async () => {
      const asReader = await s.get('/api/v1/nodes', { 'impersonate-user': 'jane', 'impersonate-group': 'dev' });
      assert.match(String(asReader.json['message']), /User "jane" cannot list resource "nodes"/);
      const cheeky = await s.ask({ path: '/api/v1/nodes', token: 'reader-token', headers: { 'impersonate-user': 'kubernetes-admin', 'impersonate-group': 'system:masters' } });
      assert.match(String(cheeky.json['message']), /User "reader" cannot impersonate resource "users"/);
    });

    it('answers kubectl auth can-i', async () => {
      const ask = (token: string): Promise<Reply> => s.ask({
        method: 'POST', path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', token,
        body: { spec: { resourceAttributes: { verb: 'create', resource: 'pods', namespace: 'default' } } },
      });
      assert.equal(at((await ask(s.pki.adminToken)).json, 'status', 'allowed'), true);
      assert.equal(at((await ask('reader-token')).json, 'status', 'allowed'), false);
    });

    it('issues and honours service-account tokens', async () => {
      await s.post('/api/v1/namespaces/default/serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot' } });
      const path = '/api/v1/namespaces/default/serviceaccounts/robot/token';
      const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600 } };
      const issued = await s.post(path, request);
      assert.equal(issued.code, 201);
      const token = String(at(issued.json, 'status', 'token'));
      const refused = await s.ask({ path: '/api/v1/namespaces', token });
      assert.match(String(refused.json['message']), /User "system:serviceaccount:default:robot" cannot list/);
      const tooShort = await s.post(path, { ...request, spec: { expirationSeconds: 10 } });
      assert.equal(tooShort.code, 422);
      const elsewhere = await s.post(path, { ...request, spec: { audiences: ['vault'] } });
      assert.equal((await s.ask({ path: '/api', token: String(at(elsewhere.json, 'status', 'token')) })).code, 401, 'a token for others is none for us');
      const reviewed = await s.post('/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token } });
      assert.equal(at(reviewed.json, 'status', 'user', 'username'), 'system:serviceaccount:default:robot');
      const forged = `${token.slice(0, -6)}AAAAAA`;
      assert.equal((await s.ask({ path: '/api', token: forged })).code, 401);
      const bound = await s.post(path, { ...request, spec: { boundObjectRef: { kind: 'Pod', name: 'nobody' } } });
      assert.equal(bound.code, 404);
      await s.delete('/api/v1/namespaces/default/serviceaccounts/robot');
      const fresh = await s.post('/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token } });
      assert.deepEqual(fresh.json['status'], { user: {}, error: 'invalid bearer token' }, 'the token dies with its account');
    });
  });

  describe('bad input', () => {
    const state = async (): Promise<unknown> => (await s.get(CMS)).json['items'];

    it('is answered with a Status and changes nothing', async () => {
      const before = await state();
      const nested = `${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}`;
      const cases: [string, string | object, string, number, RegExp][] = [
        ['truncated JSON', '{"apiVersion":"v1",', 'application/json', 400, /error decoding|invalid/],
        ['not an object', '[]', 'application/json', 400, /cannot unmarshal array/],
        ['malformed YAML', 'a: [1\nb: {', 'application/yaml', 400, /./],
        ['wrong kind', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } }, 'application/json', 400, /cannot be handled as a ConfigMap/],
        ['wrong version', { apiVersion: 'v2', kind: 'ConfigMap', metadata: { name: 'x' } }, 'application/json', 400, /the API version in the data \(v2\) does not match the expected API version \(v1\)/],
        ['wrong type', { ...configMap('x'), data: 'text' }, 'application/json', 400, /cannot unmarshal string/],
        ['no name', { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} }, 'application/json', 422, /metadata.name: Required value: name or generateName is required/],
        ['bad name', configMap('Bad_Name'), 'application/json', 422, /a lowercase RFC 1123 subdomain must consist of/],
        ['long name', configMap('x'.repeat(254)), 'application/json', 422, /must be no more than 253/],
        ['bad label', configMap('x', {}, { 'a b': 'c' }), 'application/json', 422, /metadata.labels: Invalid value: "a b"/],
        ['other namespace', { ...configMap('x'), metadata: { name: 'x', namespace: 'kube-system' } }, 'application/json', 400, /the namespace of the provided object does not match/],
        ['resourceVersion', { ...configMap('x'), metadata: { name: 'x', resourceVersion: '7' } }, 'application/json', 400, /resourceVersion should not be set on objects to be created/],
        ['deep nesting', nested, 'application/json', 400, /depth/],
        ['other media type', 'x', 'text/css', 415, /the body of the request was in an unknown format/],
        ['no protobuf', 'k8s', 'application/vnd.kubernetes.protobuf', 400, /./],
        ['nothing', '', 'application/json', 422, /name or generateName is required/],
      ];
      for (const [what, body, type, code, message] of cases) {
        const reply = await s.ask({ method: 'POST', path: CMS, body: typeof body === 'string' ? Buffer.from(body) : body, headers: { 'content-type': type } });
        assert.equal(reply.code, code, `${what}: ${reply.text}`);
        assert.equal(reply.json['kind'], 'Status', what);
        assert.match(String(reply.json['message']), message, what);
      }
      assert.deepEqual(await state(), before);
    });

    it('says where there is nothing', async () => {
      for (const path of ['/nothing', '/apis/nothing.example.com/v1/things', '/apis/kubevirt.io/v1/namespaces/default/things', '/api/v2/pods', '/readyz/nothing']) {
        const reply = await s.get(path);
        assert.equal(reply.code, 404, path);
        assert.equal(reply.text, '404 page not found\n', path);
        assert.match(String(reply.headers['content-type']), /^text\/plain/);
      }
      const status = await s.get('/api/v1/namespaces/default/things');
      assert.equal(status.code, 404);
      assert.equal(status.json['message'], 'the server could not find the requested resource');
      assert.equal((await s.get('/api/v1/namespaces/default/nodes')).code, 404, 'nodes are in no namespace');
      assert.equal((await s.get(`${CMS}/x/status`)).code, 404, 'config maps have no status');
    });

    it('says which methods there are not', async () => {
      for (const [method, path] of [['PUT', CMS], ['POST', `${CMS}/x`], ['PUT', '/api'], ['DELETE', '/api/v1/namespaces'], ['DELETE', '/api/v1/configmaps'], ['POST', '/api/v1/configmaps'], ['GET', '/api/v1/namespaces/default/pods/x/binding']] as const) {
        const reply = await s.ask({ method, path, body: {} });
        assert.equal(reply.code, 405, `${method} ${path}`);
        assert.equal(reply.json['reason'], 'MethodNotAllowed');
      }
    });

    it('bounds bodies, announced or not', async () => {
      const big = Buffer.alloc(4 * 1024 * 1024, 0x20);
      const announced = await s.ask({ method: 'POST', path: CMS, body: big });
      assert.equal(announced.code, 413);
      assert.equal(announced.json['message'], `Request entity too large: limit is ${MAX_BODY_BYTES}`);
      const head = `POST ${CMS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.pki.adminToken}\r\nTransfer-Encoding: chunked\r\n\r\n`;
      const chunk = `${(1024 * 1024).toString(16)}\r\n${' '.repeat(1024 * 1024)}\r\n`;
      assert.match(await raw(s.port, s.pki.ca.cert, head + chunk.repeat(4)), /^HTTP\/1\.1 413 /);
      assert.equal((await s.get('/livez')).code, 200);
    });

    it('bounds heads', async () => {
      const answer = await raw(s.port, s.pki.ca.cert, `GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ${'y'.repeat(100_000)}\r\n\r\n`);
      assert.match(answer, /^HTTP\/1\.1 431 /);
    });

    it('does not read a refused body as the next request', async () => {
      const answer = await raw(s.port, s.pki.ca.cert, `POST ${CMS} HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\nGET /version HTTP/1.1\r\nHost: x\r\n\r\n`);
      assert.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1);
      assert.match(answer, /^HTTP\/1\.1 401 /);
    });

    it('cuts clients that do not speak TLS', async () => {
      const { connect } = await import('node:net');
      await new Promise<void>((resolve) => {
        const socket = connect(s.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\n\r\n'));
        socket.on('close', () => resolve());
        socket.on('error', () => undefined);
        socket.resume();
      });
      assert.equal((await s.get('/livez')).code, 200);
    });
  });

  it('speaks HTTP/2 on the same port', async () => {
    const session = connectH2(`https://127.0.0.1:${s.port}`, { ca: s.pki.ca.cert });
    const ask = (path: string, method = 'GET', body?: string): Promise<{ status: number; text: string }> => new Promise((resolve, reject) => {
      const stream = session.request({ ':path': path, ':method': method, authorization: `Bearer ${s.pki.adminToken}` });
      let status = 0;
      let text = '';
      stream.setEncoding('utf8');
      stream.on('response', (headers) => {
        status = Number(headers[':status']);
      });
      stream.on('data', (chunk: string) => {
        text += chunk;
      });
      stream.on('end', () => resolve({ status, text }));
      stream.on('error', reject);
      stream.end(body);
    });
    try {
      assert.equal((await ask('/version')).status, 200);
      assert.equal((await ask(CMS, 'POST', JSON.stringify(configMap('over-h2')))).status, 201);
      const [list, watch] = await Promise.all([ask(CMS), ask(`${CMS}?watch=true&timeoutSeconds=1&fieldSelector=metadata.name%3Dover-h2`)]);
      assert.match(list.text, /over-h2/);
      assert.match(watch.text, /^\{"type":"ADDED"/);
      assert.equal((await ask(CMS, 'POST', JSON.stringify(configMap('over-h2')))).status, 409);
    } finally {
      session.close();
    }
  });

  it('takes YAML, and JSON from those who do not say what they send', async () => {
    const yaml = await s.ask({ method: 'POST', path: CMS, body: Buffer.from('metadata:\n  name: from-yaml\ndata: {a: "1"}\n'), headers: { 'content-type': 'application/yaml' } });
    assert.equal(yaml.code, 201, yaml.text);
    assert.deepEqual(yaml.json['data'], { a: '1' });
    const untyped = await s.ask({ method: 'PUT', path: `${CMS}/from-yaml`, body: Buffer.from(JSON.stringify(configMap('from-yaml', { b: '2' }))), headers: { 'content-type': '' } });
    assert.deepEqual(untyped.json['data'], { b: '2' });
    const charset = await s.ask({ method: 'PUT', path: `${CMS}/from-yaml`, body: configMap('from-yaml', { c: 'ñ' }), headers: { 'content-type': 'application/json; charset=utf-8' } });
    assert.deepEqual(charset.json['data'], { c: 'ñ' });
  });

  it('writes YAML that readers of YAML 1.1 understand', async () => {
    await s.post(CMS, configMap('tricky', { a: 'yes', b: '1:20', c: '2001-01-01', d: '1_000', e: 'plain', y: 'n' }));
    const reply = await s.ask({ method: 'GET', path: `${CMS}/tricky`, headers: { accept: 'application/yaml' } });
    assert.match(reply.text, /a: "yes"\n {2}b: "1:20"\n {2}c: "2001-01-01"\n {2}d: "1_000"\n {2}e: plain\n {2}"y": "n"\n/);
    assert.match(reply.text, /creationTimestamp: "\d{4}-/);
  });

  it('answers HEAD without a body', async () => {
    const reply = await s.ask({ method: 'HEAD', path: CMS });
    assert.equal(reply.code, 200);
    assert.equal(reply.text, '');
  });

  it('shows health by name', async () => {
    s.server.setReady('soon', false, 'still starting');
    const unready = await s.get('/readyz');
    assert.equal(unready.code, 500);
    assert.match(unready.text, /^\[\+\]ping ok\n\[\+\]store ok\n\[-\]soon failed: still starting\nreadyz check failed\n$/);
    assert.equal((await s.get('/livez')).code, 200, 'waiting does not want a restart');
    assert.equal((await s.get('/readyz?exclude=soon')).code, 200);
    assert.equal((await s.get('/readyz/soon')).code, 500);
    s.server.setReady('soon', true);
    assert.match((await s.get('/readyz?verbose')).text, /\[\+\]soon ok\nreadyz check passed\n$/);
    assert.deepEqual((await s.get('/readyz')).text, 'ok');
  });

  it('describes itself, with tags that spare a second reading', async () => {
    const groups = await s.get('/apis', { accept: AGGREGATED });
    assert.equal(groups.json['kind'], 'APIGroupDiscoveryList');
    assert.equal(groups.headers['content-type'], 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
    assert.equal(groups.headers['cache-control'], 'public');
    const again = await s.get('/apis', { accept: AGGREGATED, 'if-none-match': String(groups.headers.etag) });
    assert.equal(again.code, 304);
    assert.equal((await s.get('/apis')).json['kind'], 'APIGroupList');
    assert.equal((await s.get('/api')).json['kind'], 'APIVersions');
    assert.equal((await s.get('/api/v1')).json['kind'], 'APIResourceList');
    assert.equal((await s.get('/apis/apps')).json['kind'], 'APIGroup');
    assert.equal((await s.get('/apis/apps/v1')).json['groupVersion'], 'apps/v1');
  });

  it('serves OpenAPI under hashes', async () => {
    const index = await s.get('/openapi/v3');
    const url = String(at(index.json, 'paths', 'apis/apps/v1', 'serverRelativeURL'));
    assert.match(url, /^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{128}$/);
    const document = await s.get(url);
    assert.equal(document.headers['cache-control'], 'public, immutable');
    assert.ok(document.headers.expires);
    const wrong = await s.get('/openapi/v3/apis/apps/v1?hash=ABC');
    assert.equal(wrong.code, 301);
    assert.equal(wrong.headers.location, url);
    assert.equal((await s.get('/openapi/v3/apis/apps/v1')).headers['cache-control'], 'no-cache, private');
    const v2 = await s.get('/openapi/v2', { accept: PROTO_OPENAPI });
    assert.equal(v2.headers['content-type'], 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf');
    assert.equal((await s.get('/openapi/v2')).json['swagger'], '2.0');
  });
});
