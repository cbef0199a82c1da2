/** API servers behind this one: found, asked, believed only with the right certificate, and merged into discovery. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { connect } from 'node:tls';
import { after, before, describe, it } from 'node:test';
import { issueLeaf } from '../pki/issue.ts';
import { at, lines, TestServer } from '../testing/harness.ts';
import { eventually } from '../custom/testing/definition.ts';

const APISERVICES = '/apis/apiregistration.k8s.io/v1/apiservices';
const FLUNDERS = '/apis/wardle.example/v1/namespaces/default/flunders';

/** A small API server that believes what the front proxy says. */
class Wardle {
  readonly #server: Server;
  readonly port: number;
  readonly seen: IncomingHttpHeaders[] = [];

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(s: TestServer, frontProxyCa: string): Promise<Wardle> {
    const pair = issueLeaf(s.pki.ca, { commonName: 'wardle', organizations: [], usages: ['server'], names: ['wardle.default.svc'] });
    const server = createServer({ cert: pair.cert, key: pair.key, ca: frontProxyCa, requestCert: true, rejectUnauthorized: true });
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    const address = server.address();
    const wardle = new Wardle(server, typeof address === 'object' && address !== null ? address.port : 0);
    server.on('request', (req, res) => {
      wardle.seen.push(req.headers);
      const json = (value: unknown): void => {
        res.setHeader('content-type', 'application/json');
        res.end(JSON.stringify(value));
      };
      switch (req.url) {
        case '/apis/wardle.example/v1': json({
          kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'wardle.example/v1',
          resources: [{ name: 'flunders', singularName: 'flunder', namespaced: true, kind: 'Flunder', verbs: ['create', 'get', 'list', 'watch'], shortNames: ['fl'] }, { name: 'flunders/status', singularName: '', namespaced: true, kind: 'Flunder', verbs: ['get'] }],
        }); break;
        case '/openapi/v3': json({ paths: { 'apis/wardle.example/v1': { serverRelativeURL: '/openapi/v3/apis/wardle.example/v1?hash=ABC' } } }); break;
        case '/openapi/v3/apis/wardle.example/v1?hash=ABC': json({ openapi: '3.0.0', wardle: true }); break;
        case `${FLUNDERS}?watch=1`:
          res.write('{"type":"ADDED","object":{"kind":"Flunder"}}\n');
          setTimeout(() => res.end('{"type":"DELETED","object":{"kind":"Flunder"}}\n'), 10);
          break;
        case FLUNDERS: void readText(req).then((body) => {
          json(req.method === 'POST' ? JSON.parse(body) : { kind: 'FlunderList', items: [{ user: req.headers['x-remote-user'] }] });
          return undefined;
        }); break;
        default: res.writeHead(404).end();
      }
    });
    server.on('upgrade', (_req, socket: Duplex) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
      socket.pipe(socket);
    });
    return wardle;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.closeAllConnections();
      this.#server.close(() => resolve());
    });
  }
}

describe('aggregation', () => {
  let s: TestServer;
  let wardle: Wardle;
  before(async () => {
    s = await TestServer.start();
    const config = await s.get('/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication');
    assert.equal(at(config.json, 'data', 'requestheader-allowed-names'), '["front-proxy-client"]');
    wardle = await Wardle.start(s, String(at(config.json, 'data', 'requestheader-client-ca-file')));
  });
  after(async () => {
    await s.close();
    await wardle.close();
  });
  const conditionOf = async (name: string): Promise<unknown> => at((await s.get(`${APISERVICES}/${name}`)).json, 'status', 'conditions', 0);
  const made = (): Promise<unknown> => s.post(APISERVICES, {
    metadata: { name: 'v1.wardle.example' },
    spec: {
      group: 'wardle.example', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 15, caBundle: Buffer.from(s.pki.ca.cert).toString('base64'),
      service: { namespace: 'default', name: 'wardle', port: wardle.port },
    },
  });

  it('lists what is answered here as Local', async () => {
    const list = await s.get(APISERVICES);
    const items = at(list.json, 'items');
    assert.ok(Array.isArray(items));
    const names = items.map((one) => at(one, 'metadata', 'name'));
    for (const name of ['v1.', 'v1.apps', 'v2.autoscaling', 'v1.kubevirt.io', 'v1.apiextensions.k8s.io']) {
      assert.ok(names.includes(name), name);
    }
    const table = await s.get(`${APISERVICES}/v1.apps`, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
    assert.deepEqual(at(table.json, 'rows', 0, 'cells', 1), 'Local');
  });

  it('says why a server is not there', async () => {
    await made();
    await eventually(async () => at(await conditionOf('v1.wardle.example'), 'reason') === 'ServiceNotFound', 'no condition');
    assert.equal(at(await conditionOf('v1.wardle.example'), 'message'), 'service/wardle in "default" is not present');
    const refused = await s.get(FLUNDERS);
    assert.deepEqual([refused.code, refused.text], [503, 'service unavailable\n']);
  });

  it('finds it as soon as its service is there', async () => {
    const service = await s.post('/api/v1/namespaces/default/services', { metadata: { name: 'wardle' }, spec: { type: 'ExternalName', externalName: 'localhost' } });
    assert.equal(service.code, 201, service.text);
    await eventually(async () => at(await conditionOf('v1.wardle.example'), 'reason') === 'Passed', 'not available');
  });

  it('passes requests on with the user and without credentials', async () => {
    const list = await s.ask({ path: FLUNDERS, headers: { 'x-remote-user': 'somebody-else', 'x-remote-group': 'system:masters' } });
    assert.deepEqual([list.code, at(list.json, 'items', 0, 'user')], [200, 'kubernetes-admin']);
    const headers = wardle.seen.at(-1) ?? {};
    assert.deepEqual([headers.authorization, headers['x-remote-group']], [undefined, 'system:masters, system:authenticated']);
    const created = await s.post(FLUNDERS, { kind: 'Flunder', metadata: { name: 'a' } });
    assert.equal(at(created.json, 'metadata', 'name'), 'a');
  });

  it('passes watches and upgrades on', async () => {
    const types: unknown[] = [];
    for await (const event of lines(await s.open({ path: `${FLUNDERS}?watch=1` }))) {
      types.push(event['type']);
    }
    assert.deepEqual(types, ['ADDED', 'DELETED']);
    const socket: TLSSocket = connect({ host: '127.0.0.1', port: s.port, ca: s.pki.ca.cert, ALPNProtocols: ['http/1.1'] });
    socket.write(`GET ${FLUNDERS}/a/connect HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\nAuthorization: Bearer ${s.pki.adminToken}\r\n\r\n`);
    const echoed = await new Promise<string>((resolve) => {
      let text = '';
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes('101') && !text.includes('hello')) {
          socket.write('hello');
        } else if (text.includes('hello')) {
          resolve(text);
        }
      });
    });
    socket.destroy();
    assert.match(echoed, /^HTTP\/1\.1 101[\s\S]*hello$/);
  });

  it('merges discovery and OpenAPI', async () => {
    assert.deepEqual(at((await s.get('/apis/wardle.example')).json, 'preferredVersion', 'groupVersion'), 'wardle.example/v1');
    const aggregated = await s.get('/apis', { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' });
    const items = at(aggregated.json, 'items');
    assert.ok(Array.isArray(items));
    const group = items.find((one) => at(one, 'metadata', 'name') === 'wardle.example');
    assert.deepEqual([at(group, 'versions', 0, 'freshness'), at(group, 'versions', 0, 'resources', 0, 'resource'), at(group, 'versions', 0, 'resources', 0, 'subresources', 0, 'subresource')], ['Current', 'flunders', 'status']);
    const url = at((await s.get('/openapi/v3')).json, 'paths', 'apis/wardle.example/v1', 'serverRelativeURL');
    assert.equal(url, '/openapi/v3/apis/wardle.example/v1?hash=ABC');
    assert.equal(at((await s.get(url)).json, 'wardle'), true);
  });

  it('serves callers in this process too', async () => {
    const transport = s.server.transport({ name: 'inside', groups: ['system:masters'] });
    assert.deepEqual(at(await transport.request({ method: 'GET', path: FLUNDERS }), 'items', 0, 'user'), 'inside');
  });

  it('forgets it with its APIService', async () => {
    assert.equal((await s.delete(`${APISERVICES}/v1.wardle.example`)).code, 200);
    assert.equal((await s.get(FLUNDERS)).code, 404);
    assert.equal((await s.get('/apis/wardle.example')).code, 404);
  });
});
