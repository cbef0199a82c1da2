/** The real kubectl as people with different rights: roles, bindings, questions about them, impersonation, tokens, certificates. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { issueLeaf } from '../../src/apiserver/pki/issue.ts';
import { kubeconfig } from '../../src/apiserver/pki/index.ts';
import { KubectlBench, type Output } from '../harness/kubectl.ts';

const CSR = (request: string, signer: string): string => `apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: carol}
spec: {request: ${request}, signerName: ${signer}, usages: [client auth], expirationSeconds: 86400}
`;

const RECONCILED = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reconciled}
rules:
- {apiGroups: [""], resources: [pods], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reconciled, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reconciled}
subjects:
- {kind: User, apiGroup: rbac.authorization.k8s.io, name: bob}
`;

describe('authorisation', () => {
  let bench: KubectlBench;

  /** KUBECONFIG is a list with colons between. */
  const fileOf = (name: string): string => join(bench.dir, name.replaceAll(':', '-'));

  /** A kubeconfig for somebody with a certificate of their own. */
  async function person(name: string, ...organizations: string[]): Promise<void> {
    const { pki, port } = bench.server;
    const client = issueLeaf(pki.ca, { commonName: name, organizations, usages: ['client'], names: [] });
    await writeFile(fileOf(name), kubeconfig(pki.ca.cert, client, name, `https://127.0.0.1:${port}`), { mode: 0o600 });
  }

  const as = (name: string, ...args: string[]): Promise<Output> => bench.run(args, { KUBECONFIG: fileOf(name) });
  const answer = async (name: string, ...args: string[]): Promise<string> => (await as(name, 'auth', 'can-i', ...args)).out.trim();

  before(async () => {
    bench = await KubectlBench.start();
    await person('ada', 'dev');
    await person('bob');
    await bench.ok('create', 'namespace', 'team');
  });
  after(() => bench.close());

  it('begins with nothing but discovery and oneself', async () => {
    const refused = await as('ada', 'get', 'pods');
    assert.equal(refused.code, 1);
    assert.equal(refused.err.trim(), 'Error from server (Forbidden): pods is forbidden: User "ada" cannot list resource "pods" in API group "" in the namespace "default"');
    assert.match((await as('ada', 'auth', 'whoami')).out, /Username\s+ada\nGroups\s+\[dev system:authenticated\]/);
    assert.match((await as('ada', 'api-resources')).out, /deployments/);
    assert.equal(await answer('ada', 'create', 'pods'), 'no');
  });

  it('gives what roles and bindings say, where they say it', async () => {
    await bench.ok('create', 'rolebinding', 'dev-edits', '-n', 'team', '--clusterrole=edit', '--group=dev');
    await bench.ok('create', 'clusterrole', 'node-reader', '--verb=get,list', '--resource=nodes');
    await bench.ok('create', 'clusterrolebinding', 'bob-reads-nodes', '--clusterrole=node-reader', '--user=bob');
    assert.equal((await as('ada', 'create', 'configmap', 'mine', '-n', 'team', '--from-literal=a=b')).code, 0);
    assert.equal((await as('ada', 'create', 'configmap', 'mine', '--from-literal=a=b')).code, 1);
    assert.equal(await answer('ada', 'create', 'deployments.apps', '-n', 'team'), 'yes');
    assert.equal(await answer('ada', 'create', 'deployments.apps'), 'no');
    assert.equal(await answer('ada', 'create', 'rolebindings', '-n', 'team'), 'no');
    assert.equal(await answer('ada', 'get', 'pods', '--subresource=log', '-n', 'team'), 'yes');
    assert.equal((await as('bob', 'get', 'nodes')).code, 0);
    assert.equal(await answer('bob', 'get', '/healthz'), 'yes');
    assert.equal(await answer('bob', 'get', '/metrics'), 'no');
    await bench.ok('delete', 'rolebinding', 'dev-edits', '-n', 'team');
    assert.equal(await answer('ada', 'create', 'deployments.apps', '-n', 'team'), 'no', 'what was taken away counts at once');
  });

  it('knows names of single objects', async () => {
    await bench.ok('create', 'role', 'one-map', '--verb=get,update', '--resource=configmaps', '--resource-name=mine', '-n', 'team');
    await bench.ok('create', 'rolebinding', 'one-map', '--role=one-map', '--user=bob', '-n', 'team');
    assert.equal((await as('bob', 'get', 'configmap', 'mine', '-n', 'team')).code, 0);
    assert.equal((await as('bob', 'get', 'configmaps', '-n', 'team')).code, 1);
    assert.match((await as('bob', 'auth', 'can-i', '--list', '-n', 'team')).out, /configmaps\s+\[\]\s+\[mine\]\s+\[get update\]/);
    const all = await bench.ok('auth', 'can-i', '--list');
    assert.match(all, /^\*\.\*\s+\[\]\s+\[\]\s+\[\*\]$/m);
  });

  it('lets nobody give away what they do not have', async () => {
    await bench.ok('create', 'rolebinding', 'ada-admin', '--clusterrole=admin', '--user=ada', '-n', 'team');
    assert.equal((await as('ada', 'create', 'rolebinding', 'bob-views', '--clusterrole=view', '--user=bob', '-n', 'team')).code, 0);
    const role = await as('ada', 'create', 'role', 'too-much', '--verb=get', '--resource=nodes', '-n', 'team');
    assert.match(role.err, /roles\.rbac\.authorization\.k8s\.io "too-much" is forbidden: user "ada" \(groups=\["dev" "system:authenticated"\]\) is attempting to grant RBAC permissions not currently held:\n\{APIGroups:\[""\], Resources:\["nodes"\], Verbs:\["get"\]\}/);
    const binding = await as('ada', 'create', 'rolebinding', 'all', '--clusterrole=cluster-admin', '--user=ada', '-n', 'team');
    assert.match(binding.err, /is attempting to grant RBAC permissions not currently held:\n\{APIGroups:\["\*"\], Resources:\["\*"\], Verbs:\["\*"\]\}\n\{NonResourceURLs:\["\*"\], Verbs:\["\*"\]\}/);
    await bench.ok('create', 'clusterrole', 'binder', '--verb=bind', '--resource=clusterroles', '--resource-name=cluster-admin');
    await bench.ok('create', 'clusterrolebinding', 'binder', '--clusterrole=binder', '--user=ada');
    assert.equal((await as('ada', 'create', 'rolebinding', 'all', '--clusterrole=cluster-admin', '--user=bob', '-n', 'team')).code, 0);
  });

  it('acts as somebody else for those who may', async () => {
    assert.equal(await bench.ok('auth', 'can-i', 'list', 'nodes', '--as=bob'), 'yes\n');
    const groups = await bench.ok('auth', 'whoami', '--as=eve', '--as-group=ops', '--as-uid=u-1');
    assert.match(groups, /Username\s+eve\nUID\s+u-1\nGroups\s+\[ops system:authenticated\]/);
    const refused = await as('bob', 'get', 'nodes', '--as=ada');
    assert.match(refused.err, /users "ada" is forbidden: User "bob" cannot impersonate resource "users" in API group "" at the cluster scope/);
    const account = await bench.ok('auth', 'whoami', '--as=system:serviceaccount:team:robot');
    assert.match(account, /Groups\s+\[system:serviceaccounts system:serviceaccounts:team system:authenticated\]/);
    assert.equal(await answer('ada', 'impersonate', 'serviceaccounts', '-n', 'team'), 'yes');
    assert.equal((await as('ada', 'get', 'pods', '-n', 'team', '--as=system:serviceaccount:team:robot')).code, 1);
  });

  it('gives accounts tokens that count as long as they should', async () => {
    await bench.ok('create', 'serviceaccount', 'robot', '-n', 'team');
    await bench.ok('create', 'rolebinding', 'robot', '--clusterrole=view', '--serviceaccount=team:robot', '-n', 'team');
    const token = (await bench.ok('create', 'token', 'robot', '-n', 'team', '--duration=10m')).trim();
    const config = await readFile(join(bench.dir, 'bob'), 'utf8');
    await writeFile(join(bench.dir, 'robot'), config.replace(/ {4}client-certificate-data: .*\n {4}client-key-data: .*\n/, `    token: ${token}\n`), { mode: 0o600 });
    assert.equal((await as('robot', 'get', 'configmaps', '-n', 'team')).code, 0);
    assert.equal((await as('robot', 'get', 'secrets', '-n', 'team')).code, 1);
    const short = await bench.run(['create', 'token', 'robot', '-n', 'team', '--duration=1s']);
    assert.match(short.err, /may not specify a duration less than 10 minutes/);
    const other = (await bench.ok('create', 'token', 'robot', '-n', 'team', '--audience=vault')).trim();
    await writeFile(join(bench.dir, 'vault'), config.replace(/ {4}client-certificate-data: .*\n {4}client-key-data: .*\n/, `    token: ${other}\n`), { mode: 0o600 });
    assert.match((await as('vault', 'get', 'configmaps', '-n', 'team')).err, /Unauthorized|must be logged in/);
  });

  it('fills the Secrets that ask for a token', async () => {
    await bench.ok('apply', '-f', await bench.file('secret.yaml', `apiVersion: v1
kind: Secret
metadata: {name: robot-token, namespace: team, annotations: {kubernetes.io/service-account.name: robot}}
type: kubernetes.io/service-account-token
`));
    await bench.ok('wait', '--for=jsonpath={.data.token}', 'secret/robot-token', '-n', 'team', '--timeout=20s');
    const token = Buffer.from(await bench.ok('get', 'secret', 'robot-token', '-n', 'team', '-o', 'jsonpath={.data.token}'), 'base64').toString();
    const config = await readFile(join(bench.dir, 'robot'), 'utf8');
    await writeFile(join(bench.dir, 'legacy'), config.replace(/token: .*/, `token: ${token}`), { mode: 0o600 });
    assert.equal((await as('legacy', 'get', 'configmaps', '-n', 'team')).code, 0);
    await bench.ok('delete', 'serviceaccount', 'robot', '-n', 'team');
    await bench.ok('wait', '--for=delete', 'secret/robot-token', '-n', 'team', '--timeout=20s');
  });

  it('lets Kubernetes\' controller manager act with the accounts of its controllers, as it does with --use-service-account-credentials', async () => {
    const manager = 'system:kube-controller-manager';
    await person(manager);
    assert.equal((await as(manager, 'create', 'serviceaccount', 'deployment-controller', '-n', 'kube-system')).code, 0);
    const token = (await as(manager, 'create', 'token', 'deployment-controller', '-n', 'kube-system')).out.trim();
    const config = await readFile(join(bench.dir, 'bob'), 'utf8');
    await writeFile(join(bench.dir, 'deployer'), config.replace(/ {4}client-certificate-data: .*\n {4}client-key-data: .*\n/, `    token: ${token}\n`), { mode: 0o600 });
    assert.equal(await answer('deployer', 'update', 'deployments.apps', '--subresource=status', '-n', 'team'), 'yes');
    assert.equal(await answer('deployer', 'create', 'replicasets.apps', '-n', 'team'), 'yes');
    assert.equal(await answer('deployer', 'get', 'secrets', '-n', 'team'), 'no');
    assert.equal(await answer(manager, 'watch', '*.*'), 'yes');
    assert.equal(await answer(manager, 'create', 'replicasets.apps', '-n', 'team'), 'no', 'the manager itself only watches');
    await person('system:kube-scheduler');
    assert.equal(await answer('system:kube-scheduler', 'create', 'pods', '--subresource=binding', '-n', 'team'), 'yes');
  });

  it('certifies who was approved', async () => {
    const [key, csr] = [join(bench.dir, 'carol.key'), join(bench.dir, 'carol.csr')];
    execFileSync('openssl', ['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/O=dev/CN=carol', '-keyout', key, '-out', csr], { stdio: 'ignore' });
    const request = (await readFile(csr)).toString('base64');
    await bench.ok('create', '-f', await bench.file('csr.yaml', CSR(request, 'kubernetes.io/kube-apiserver-client')));
    assert.match(await bench.ok('get', 'csr'), /carol\s+\S+\s+kubernetes\.io\/kube-apiserver-client\s+kubernetes-admin\s+24h\s+Pending/);
    assert.equal(await bench.ok('certificate', 'approve', 'carol'), 'certificatesigningrequest.certificates.k8s.io/carol approved\n');
    await bench.ok('wait', '--for=jsonpath={.status.certificate}', 'csr/carol', '--timeout=20s');
    assert.match(await bench.ok('get', 'csr', 'carol'), /Approved,Issued/);
    const cert = Buffer.from(await bench.ok('get', 'csr', 'carol', '-o', 'jsonpath={.status.certificate}'), 'base64').toString();
    const { pki, port } = bench.server;
    await writeFile(join(bench.dir, 'carol'), kubeconfig(pki.ca.cert, { cert, key: await readFile(key, 'utf8') }, 'carol', `https://127.0.0.1:${port}`), { mode: 0o600 });
    assert.match((await as('carol', 'auth', 'whoami')).out, /Username\s+carol\nGroups\s+\[dev system:authenticated\]/);
    await bench.ok('delete', 'csr', 'carol');
    await bench.ok('create', '-f', await bench.file('csr2.yaml', CSR(request, 'kubernetes.io/kube-apiserver-client')));
    assert.equal(await bench.ok('certificate', 'deny', 'carol'), 'certificatesigningrequest.certificates.k8s.io/carol denied\n');
    assert.match(await bench.ok('get', 'csr', 'carol'), /Denied/);
  });

  it('reconciles roles from files', async () => {
    const file = await bench.file('reconcile.yaml', RECONCILED);
    assert.match(await bench.ok('auth', 'reconcile', '-f', file), /clusterrole\.rbac\.authorization\.k8s\.io\/reconciled reconciled\n[\s\S]*rolebinding\.rbac\.authorization\.k8s\.io\/reconciled reconciled/);
    assert.equal(await answer('bob', 'list', 'pods'), 'yes');
    await bench.ok('patch', 'clusterrole', 'reconciled', '--type=json', '-p', '[{"op":"replace","path":"/rules/0/verbs","value":["get"]}]');
    assert.equal(await answer('bob', 'list', 'pods'), 'no');
    await bench.ok('auth', 'reconcile', '-f', file);
    assert.equal(await answer('bob', 'list', 'pods'), 'yes');
  });
});
