import assert from 'node:assert/strict';
import { request } from 'node:https';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { silentLog } from '../../apimachinery/log.ts';
import { at, CMS, configMap, TestServer } from '../testing/harness.ts';
import { AuditLog } from './logfile.ts';
import { AuditPolicy } from './policy.ts';

const POLICY = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: ["system:apiserver"]
- level: None
  verbs: [watch]
  resources: [{group: "", resources: [events]}]
- level: RequestResponse
  resources: [{group: "", resources: [secrets, serviceaccounts/token]}]
- level: RequestResponse
  omitManagedFields: true
  namespaces: [default]
  resources: [{group: "", resources: ["configmaps"]}, {group: "apps", resources: ["*/scale"]}]
- level: Request
  resources: [{group: rbac.authorization.k8s.io}]
- level: Metadata
  nonResourceURLs: ["/version", "/healthz*"]
- level: Metadata
  userGroups: [dev]
`;

type Told = Record<string, unknown>;

describe('audit', () => {
  let s: TestServer;
  const lines: string[] = [];
  before(async () => {
    const log = { write: (line: string): void => { lines.push(line); } };
    s = await TestServer.start({ audit: { policy: AuditPolicy.parse(POLICY), log }, tokenFile: 'dev-token,dora,,dev\n' });
  });
  after(() => s.close());
  beforeEach(() => { lines.length = 0; });

  const told = (): Told[] => lines.map((line) => {
    assert.ok(line.endsWith('\n') && line.indexOf('\n') === line.length - 1);
    return JSON.parse(line) as Told;
  });
  const only = (): Told => {
    const all = told();
    assert.equal(all.length, 1, lines.join(''));
    return all[0] ?? {};
  };

  it('tells who did what to which object, and how it went', async () => {
    const made = await s.post(CMS, configMap('audited'), { 'user-agent': 'tester/1' });
    const event = only();
    assert.deepEqual(
      [event['kind'], event['apiVersion'], event['level'], event['stage'], event['verb'], event['requestURI'], event['userAgent'], event['sourceIPs']],
      ['Event', 'audit.k8s.io/v1', 'RequestResponse', 'ResponseComplete', 'create', CMS, 'tester/1', ['127.0.0.1']],
    );
    assert.equal(at(event, 'user', 'username'), 'kubernetes-admin');
    assert.deepEqual(event['objectRef'], { resource: 'configmaps', namespace: 'default', name: 'audited', apiVersion: 'v1' });
    assert.deepEqual(at(event, 'requestObject', 'data'), { a: '1' });
    assert.equal(at(event, 'responseObject', 'metadata', 'uid'), at(made.json, 'metadata', 'uid'));
    assert.equal(at(event, 'responseObject', 'metadata', 'managedFields'), undefined);
    assert.deepEqual(event['responseStatus'], { metadata: {}, code: 201 });
    assert.equal(at(event, 'annotations', 'authorization.k8s.io/decision'), 'allow');
    assert.match(String(event['auditID']), /^[0-9a-f-]{36}$/);
    assert.match(String(event['stageTimestamp']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  it('tells of refusals and errors, and of who stands behind somebody', async () => {
    await s.ask({ path: '/api/v1/nodes', token: 'dev-token' });
    const refused = only();
    assert.deepEqual([refused['level'], at(refused, 'responseStatus', 'code'), at(refused, 'responseStatus', 'reason')], ['Metadata', 403, 'Forbidden']);
    assert.equal(at(refused, 'annotations', 'authorization.k8s.io/decision'), 'forbid');
    lines.length = 0;
    await s.get(`${CMS}/none`, { 'impersonate-user': 'jane', 'impersonate-group': 'system:masters' });
    const missing = only();
    assert.deepEqual([at(missing, 'user', 'username'), at(missing, 'impersonatedUser', 'username'), at(missing, 'responseStatus', 'code')], ['kubernetes-admin', 'jane', 404]);
    assert.equal(at(missing, 'responseObject', 'reason'), 'NotFound');
  });

  it('tells of those who were turned away', async () => {
    await s.ask({ path: '/version', token: 'wrong' });
    await s.ask({ path: CMS, token: null });
    assert.deepEqual(told().map((event) => [event['requestURI'], at(event, 'user', 'username'), at(event, 'responseStatus', 'code'), at(event, 'responseStatus', 'reason')]),
      [['/version', '', 401, 'Unauthorized'], [CMS, '', 401, 'Unauthorized']]);
  });

  it('never tells what is in Secrets and tokens', async () => {
    await s.post('/api/v1/namespaces/default/secrets', { metadata: { name: 'hush' }, stringData: { pin: 'zwiebelfisch' } });
    await s.get('/api/v1/namespaces/default/secrets');
    await s.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'robot' } });
    const token = await s.post('/api/v1/namespaces/default/serviceaccounts/robot/token', { spec: {} });
    const text = lines.join('');
    assert.ok(!text.includes('zwiebelfisch') && !text.includes(Buffer.from('zwiebelfisch').toString('base64')));
    assert.ok(!text.includes(String(at(token.json, 'status', 'token'))));
    assert.deepEqual(told().map((event) => [event['level'], event['verb'], at(event, 'objectRef', 'name')]),
      [['Metadata', 'create', 'hush'], ['Metadata', 'list', undefined], ['Metadata', 'create', 'robot']]);
  });

  it('keeps to the policy: levels, stages, paths, nothing', async () => {
    await s.get('/version');
    await s.get('/livez');
    await s.get('/api/v1/pods');
    assert.deepEqual(told().map(({ requestURI, level }) => [requestURI, level]), [['/version', 'Metadata']]);
    lines.length = 0;
    await s.post('/apis/rbac.authorization.k8s.io/v1/clusterroles', { metadata: { name: 'told' }, rules: [] });
    const event = only();
    assert.deepEqual([event['level'], at(event, 'requestObject', 'metadata', 'name'), event['responseObject']], ['Request', 'told', undefined]);
    lines.length = 0;
    const watch = await s.open({ path: `${CMS}?watch=1&timeoutSeconds=1` });
    assert.equal(watch.statusCode, 200);
    for await (const _chunk of watch) { /* until its end */ }
    while (told().length < 2) {
      await new Promise((resolve) => { setImmediate(resolve); });
    }
    assert.deepEqual(told().map(({ stage }) => stage), ['ResponseStarted', 'ResponseComplete']);
    assert.equal(new Set(told().map(({ auditID }) => auditID)).size, 1);
  });

  it('tells of streams', async () => {
    const path = '/api/v1/namespaces/default/pods/none/exec?command=ls';
    const code = await new Promise((resolve, reject) => {
      request({
        host: '127.0.0.1', port: s.port, ca: s.pki.ca.cert, path,
        headers: { authorization: 'Bearer dev-token', connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==', 'sec-websocket-version': '13' },
      }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject).end();
    });
    assert.equal(code, 403);
    const event = only();
    assert.deepEqual([event['verb'], event['requestURI'], at(event, 'objectRef', 'subresource'), at(event, 'responseStatus', 'code')], ['create', path, 'exec', 403]);
    assert.equal(at(event, 'annotations', 'authorization.k8s.io/decision'), 'forbid');
  });

  it('says where a policy is wrong', () => {
    const wrong: [string, RegExp][] = [
      ['kind: Policy', /apiVersion audit.k8s.io\/v1/],
      ['apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: []', /no rules/],
      ['apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Loud}]', /rules\[0\]\.level must be one of None, Metadata/],
      ['apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, omitStages: [Late]}]', /"Late" is no stage/],
      ['apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, nonResourceURLs: ["/a"], namespaces: [b]}]', /both regular resources and non-resource/],
      ['apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, users: bob}]', /rules\[0\]\.users must be a list/],
      ['a: [', /no YAML/],
    ];
    for (const [text, message] of wrong) {
      assert.throws(() => AuditPolicy.parse(text), { name: 'AuditPolicyError', message });
    }
  });
});

describe('the audit log\'s file', () => {
  let dir: string;
  before(async () => { dir = await mkdtemp(join(tmpdir(), 'telar-audit-')); });
  after(() => rm(dir, { recursive: true }));

  it('is turned over when it is full, keeps so many, and is nobody else\'s', async () => {
    const path = join(dir, 'audit.log');
    const line = `${'x'.repeat(600 * 1024)}\n`;
    for (let round = 0; round < 5; round += 1) {
      const log = await AuditLog.open({ path, maxAge: 0, maxBackup: 2, maxSize: 1 }, silentLog);
      log.write(line);
      await log.close();
    }
    const files = (await readdir(dir)).sort();
    assert.equal(files.length, 3, files.join(' '));
    assert.ok(files.slice(0, 2).every((name) => /^audit-\d{4}-\d\d-\d\dT[\d.-]+\.log$/.test(name)), files.join(' '));
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal(await readFile(path, 'utf8'), line);
  });

  it('loses events rather than memory, and says so', async () => {
    const errors: object[] = [];
    const log = await AuditLog.open({ path: join(dir, 'full.log'), maxAge: 0, maxBackup: 0, maxSize: 100 }, { ...silentLog, error: (about: object) => { errors.push(about); } });
    const line = `${'x'.repeat(1024 * 1024)}\n`;
    for (let count = 0; count < 40; count += 1) {
      log.write(line);
    }
    while (errors.length === 0) {
      await new Promise((resolve) => { setImmediate(resolve); });
      log.write('fits again\n');
    }
    await log.close();
    assert.ok(Number(at(errors[0], 'dropped')) >= 8);
    assert.ok((await stat(join(dir, 'full.log'))).size < 33 * 1024 * 1024);
  });
});
