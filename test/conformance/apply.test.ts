/** Applying with the real kubectl, client-side and server-side, against a real API server without nodes or controllers. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { adminKubeconfig } from '../../src/apiserver/pki/index.ts';
import { at, CMS, TestServer } from '../../src/apiserver/testing/harness.ts';

const KUBECTL = process.env['KUBECTL'] ?? 'kubectl';
const LIMIT_MS = 60_000;
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

interface Output {
  code: number;
  out: string;
  err: string;
}

const configMap = (name: string, data: Record<string, string>, labels = 'app: x'): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}, labels: {${labels}}}\ndata: ${JSON.stringify(data)}\n`;

const deployment = (name: string, image: string, extra = ''): string => `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, labels: {app: ${name}}}
spec:${extra}
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: c, image: "${image}", ports: [{containerPort: 80}]}]}
`;

describe('kubectl apply', () => {
  let s: TestServer;
  let dir: string;

  before(async () => {
    s = await TestServer.start();
    dir = await mkdtemp(join(tmpdir(), 'telar-apply-'));
    await writeFile(join(dir, 'kubeconfig'), adminKubeconfig(s.pki, `https://127.0.0.1:${s.port}`), { mode: 0o600 });
  });
  after(async () => {
    await s.close();
    await rm(dir, { recursive: true, force: true });
  });

  let files = 0;
  const file = async (text: string): Promise<string> => {
    files += 1;
    await writeFile(join(dir, `${files}.yaml`), text);
    return join(dir, `${files}.yaml`);
  };

  const run = (args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Output> => new Promise((resolve) => {
    const env = { ...process.env, KUBECONFIG: join(dir, 'kubeconfig'), HOME: dir, ...environment };
    execFile(KUBECTL, ['--cache-dir', join(dir, 'cache'), ...args], { env, timeout: LIMIT_MS, cwd: dir }, (error, out, err) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, out, err });
    });
  });

  /** Runs to success; the standard output. */
  const k = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await run(args);
    assert.equal(code, 0, `kubectl ${args.join(' ')}: ${out}${err}`);
    return out;
  };

  /** Runs to failure; the standard error. */
  const fails = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await run(args);
    assert.notEqual(code, 0, `kubectl ${args.join(' ')} succeeded: ${out}`);
    return err;
  };

  const version = async (path: string): Promise<unknown> => at((await s.get(path)).json, 'metadata', 'resourceVersion');

  /** `manager operation subresource`, in order. */
  const managers = async (path: string): Promise<string[]> => {
    const entries = at((await s.get(path)).json, 'metadata', 'managedFields');
    return (Array.isArray(entries) ? entries : []).map((entry) => [at(entry, 'manager'), at(entry, 'operation'), at(entry, 'subresource')].filter(Boolean).join(' '));
  };

  it('--server-side creates, changes, removes, and writes nothing when nothing changes', async () => {
    const two = await file(configMap('ssa', { a: '1', b: '2' }));
    assert.match(await k('apply', '--server-side', '-f', two), /configmap\/ssa serverside-applied/);
    const before = await version(`${CMS}/ssa`);
    await k('apply', '--server-side', '-f', two);
    assert.equal(await version(`${CMS}/ssa`), before);
    await k('apply', '--server-side', '-f', await file(configMap('ssa', { a: '2' }, '')));
    const { json } = await s.get(`${CMS}/ssa`);
    assert.deepEqual(at(json, 'data'), { a: '2' });
    assert.deepEqual(at(json, 'metadata', 'labels') ?? {}, {});
    assert.match(await k('get', 'cm', 'ssa', '-o', 'yaml', '--show-managed-fields'), /f:data:\n +f:a: \{\}/);
    assert.doesNotMatch(await k('get', 'cm', 'ssa', '-o', 'yaml'), /managedFields/);
  });

  it('--server-side stops at conflicts and goes on with --force-conflicts', async () => {
    await k('apply', '--server-side', '-f', await file(configMap('fight', { a: '1', b: '1' })));
    const other = await file(configMap('fight', { a: '2', b: '2' }));
    const refused = await fails('apply', '--server-side', '--field-manager=other', '-f', other);
    assert.match(refused, /Apply failed with 2 conflicts: conflicts with "kubectl":\n- \.data\.a\n- \.data\.b/);
    await k('apply', '--server-side', '--field-manager=other', '--force-conflicts', '-f', other);
    assert.deepEqual(at((await s.get(`${CMS}/fight`)).json, 'data'), { a: '2', b: '2' });
    await k('apply', '--server-side', '--dry-run=server', '--force-conflicts', '-f', await file(configMap('fight', { a: '3' })));
    assert.equal(at((await s.get(`${CMS}/fight`)).json, 'data', 'a'), '2');
  });

  it('diff --server-side shows what would change', async () => {
    await k('apply', '--server-side', '-f', await file(configMap('differs', { a: '1' })));
    const { code, out } = await run(['diff', '--server-side', '-f', await file(configMap('differs', { a: '2' }))]);
    assert.equal(code, 1);
    assert.match(out, /-  a: "1"\n\+  a: "2"/);
    assert.equal((await run(['diff', '--server-side', '-f', await file(configMap('differs', { a: '1' }))])).code, 0);
  });

  it('moves from client side to server side and back', async () => {
    await k('apply', '-f', await file(deployment('moved', 'x:1', '\n  replicas: 2')));
    assert.deepEqual(await managers(`${DEPLOYMENTS}/moved`), ['kubectl-client-side-apply Update']);
    // Without replicas: what client-side apply owned goes, because server-side apply took it over.
    await k('apply', '--server-side', '-f', await file(deployment('moved', 'x:2')));
    const { json } = await s.get(`${DEPLOYMENTS}/moved`);
    assert.deepEqual([at(json, 'spec', 'replicas'), at(json, 'spec', 'template', 'spec', 'containers', 0, 'image')], [1, 'x:2']);
    assert.ok((await managers(`${DEPLOYMENTS}/moved`)).includes('kubectl Apply'));
    assert.ok(!(await managers(`${DEPLOYMENTS}/moved`)).includes('kubectl-client-side-apply Update'));
    assert.match(String(at(json, 'metadata', 'annotations', LAST_APPLIED)), /"image":"x:2"/);
    assert.match(await k('apply', '-f', await file(deployment('moved', 'x:3'))), /configured/);
    assert.equal(at((await s.get(`${DEPLOYMENTS}/moved`)).json, 'spec', 'template', 'spec', 'containers', 0, 'image'), 'x:3');
    assert.match(await k('apply', '-f', await file(deployment('moved', 'x:3'))), /unchanged/);
  });

  it('shows, sets and edits what was applied last', async () => {
    await k('apply', '-f', await file(configMap('last', { a: '1' })));
    assert.match(await k('apply', 'view-last-applied', 'cm', 'last'), /^data:\n {2}a: "1"/m);
    await k('apply', 'set-last-applied', '-f', await file(configMap('last', { a: '2' })));
    assert.match(await k('apply', 'view-last-applied', 'cm', 'last', '-o', 'json'), /"a": "2"/);
    const edited = await run(['apply', 'edit-last-applied', 'cm', 'last'], { KUBE_EDITOR: 'sed -i s/"2"/"3"/' });
    assert.equal(edited.code, 0, edited.err);
    assert.match(await k('apply', 'view-last-applied', 'cm', 'last'), /a: "3"/);
    assert.equal(at((await s.get(`${CMS}/last`)).json, 'data', 'a'), '1', 'the object itself is as it was');
  });

  it('--prune removes what is named no longer', async () => {
    const both = await file(`${configMap('kept', {}, 'set: a')}---\n${configMap('gone', {}, 'set: a')}`);
    const prune = ['apply', '--prune', '-l', 'set=a', '--prune-allowlist=core/v1/ConfigMap', '-f'];
    await k(...prune, both);
    assert.match(await k(...prune, await file(configMap('kept', {}, 'set: a'))), /configmap\/gone pruned/);
    assert.equal((await s.get(`${CMS}/gone`)).code, 404);
    assert.equal((await s.get(`${CMS}/kept`)).code, 200);
  });

  it('--subresource applies to the status alone', async () => {
    await k('apply', '--server-side', '-f', await file(deployment('parts', 'x:1')));
    const status = await file('apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: parts}\nspec: {paused: true}\nstatus: {replicas: 3}\n');
    // Which versions take the flag here differs; the request is the same.
    const answer = await s.ask({ method: 'PATCH', path: `${DEPLOYMENTS}/parts/status?fieldManager=kubectl&force=false&fieldValidation=Strict`, headers: { 'content-type': 'application/apply-patch+yaml' },
      body: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'parts' }, spec: { paused: true }, status: { replicas: 3 } } });
    assert.equal(answer.code, 200, answer.text);
    const flag = await run(['apply', '--server-side', '--subresource=status', '-f', status]);
    assert.ok(flag.code === 0 || /unknown flag/.test(flag.err), flag.err);
    const { json } = await s.get(`${DEPLOYMENTS}/parts`);
    assert.deepEqual([at(json, 'status', 'replicas'), at(json, 'spec', 'paused')], [3, undefined]);
    assert.ok((await managers(`${DEPLOYMENTS}/parts`)).includes('kubectl Apply status'));
  });

  it('names the writers of every other command', async () => {
    await k('create', 'deployment', 'named', '--image=x:1');
    await k('scale', 'deployment', 'named', '--replicas=3');
    await k('label', 'deployment', 'named', 'a=b');
    await k('set', 'image', 'deployment/named', 'x=x:2');
    await k('patch', 'deployment', 'named', '--subresource=status', '--type=merge', '-p', '{"status":{"collisionCount":1}}');
    assert.deepEqual((await managers(`${DEPLOYMENTS}/named`)).toSorted((a, b) => (a < b ? -1 : 1)),
      ['kubectl Update scale', 'kubectl-create Update', 'kubectl-label Update', 'kubectl-patch Update status', 'kubectl-set Update']);
  });

  it('says what a field is not', async () => {
    const wrong = await file('apiVersion: v1\nkind: ConfigMap\nmetadata: {name: wrong}\ndta: {}\n');
    assert.match(await fails('apply', '--server-side', '--validate=false', '-f', wrong), /failed to create typed patch object \(default\/wrong; \/v1, Kind=ConfigMap\): \.dta: field not declared in schema/);
    assert.match(await fails('create', '--validate=strict', '-f', wrong), /strict decoding error: unknown field "dta"/);
    assert.match((await run(['create', '--validate=warn', '-f', wrong])).err, /Warning: unknown field "dta"/);
  });
});
