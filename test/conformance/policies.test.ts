/** Admission policies and a real webhook over HTTPS, with the real kubectl against a real API server. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { adminKubeconfig } from '../../src/apiserver/pki/index.ts';
import { at, TestServer } from '../../src/apiserver/testing/harness.ts';
import { patchResponse, WebhookServer } from '../../src/apiserver/testing/webhookserver.ts';

const KUBECTL = process.env['KUBECTL'] ?? 'kubectl';
const LIMIT_MS = 60_000;
const GATEWAY_POLICY = join(import.meta.dirname, '../../../shared/data/crds/gateway-api/gateway.networking.k8s.io_vap_safeupgrades.yaml.gz');
const GATEWAY_CRD = join(import.meta.dirname, '../../../shared/data/crds/gateway-api/gateway.networking.k8s.io_gatewayclasses.yaml.gz');

const POLICY = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: replica-limit}
spec:
  failurePolicy: Fail
  paramKind: {apiVersion: v1, kind: ConfigMap}
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}]
  variables: [{name: limit, expression: "int(params.data.maxReplicas)"}]
  validations:
  - expression: object.spec.replicas <= variables.limit
    messageExpression: "'replicas must be no greater than ' + string(variables.limit)"
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: replica-limit}
spec:
  policyName: replica-limit
  validationActions: [Deny]
  paramRef: {name: replica-limit, namespace: default, parameterNotFoundAction: Deny}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: replica-limit}
data: {maxReplicas: "3"}
`;

const SIDECAR = `apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: sidecar}
spec:
  reinvocationPolicy: IfNeeded
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  matchConditions: [{name: not-there-yet, expression: "!object.spec.?initContainers.orValue([]).exists(c, c.name == 'mesh')"}]
  mutations:
  - patchType: ApplyConfiguration
    applyConfiguration:
      expression: >
        Object{spec: Object.spec{initContainers: [
          Object.spec.initContainers{name: "mesh", image: "mesh:v1", restartPolicy: "Always"}]}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: sidecar}
spec: {policyName: sidecar}
`;

describe('kubectl and admission', () => {
  let s: TestServer;
  let hook: WebhookServer;
  let dir: string;

  before(async () => {
    s = await TestServer.start();
    hook = await WebhookServer.start(['hooks.default.svc']);
    dir = await mkdtemp(join(tmpdir(), 'telar-policies-'));
    await writeFile(join(dir, 'kubeconfig'), adminKubeconfig(s.pki, `https://127.0.0.1:${s.port}`), { mode: 0o600 });
  });
  after(async () => {
    await s.close();
    await hook.close();
    await rm(dir, { recursive: true, force: true });
  });

  interface Output { code: number; out: string; err: string }
  const run = (...args: string[]): Promise<Output> => new Promise((resolve) => {
    const env = { ...process.env, KUBECONFIG: join(dir, 'kubeconfig'), HOME: dir };
    execFile(KUBECTL, ['--cache-dir', join(dir, 'cache'), ...args], { env, timeout: LIMIT_MS, cwd: dir }, (error, out, err) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, out, err });
    });
  });
  const k = async (...args: string[]): Promise<Output> => {
    const result = await run(...args);
    assert.equal(result.code, 0, `kubectl ${args.join(' ')}: ${result.out}${result.err}`);
    return result;
  };
  const fails = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await run(...args);
    assert.notEqual(code, 0, `kubectl ${args.join(' ')} succeeded: ${out}`);
    return err;
  };
  let files = 0;
  const file = async (text: string): Promise<string> => {
    files += 1;
    await writeFile(join(dir, `${files}.yaml`), text);
    return join(dir, `${files}.yaml`);
  };

  it('refuses what a policy with a parameter does not allow', async () => {
    await k('apply', '-f', await file(POLICY));
    await k('create', 'deployment', 'small', '--image=x:1', '--replicas=3');
    assert.equal(await fails('create', 'deployment', 'big', '--image=x:1', '--replicas=4'),
      'error: failed to create deployment: deployments.apps "big" is forbidden: ValidatingAdmissionPolicy \'replica-limit\' with binding \'replica-limit\' denied request: replicas must be no greater than 3\n');
    await k('patch', 'configmap', 'replica-limit', '-p', '{"data":{"maxReplicas":"5"}}');
    await k('patch', 'deployment', 'small', '-p', '{"spec":{"replicas":5}}');
    assert.match((await k('get', 'validatingadmissionpolicies', 'replica-limit')).out, /replica-limit\s+1\s+v1\/ConfigMap/);
    await k('delete', '-f', await file(POLICY));
  });

  it('adds what a mutating policy adds', async () => {
    await k('apply', '-f', await file(SIDECAR));
    await k('run', 'meshed', '--image=x:1');
    assert.equal((await k('get', 'pod', 'meshed', '-o', 'jsonpath={.spec.initContainers[*].name} {.spec.containers[*].name}')).out, 'mesh meshed');
    await k('delete', '-f', await file(SIDECAR));
  });

  it('prints warnings of policies that only warn', async () => {
    const warn = POLICY.replace('[Deny]', '[Warn]');
    await k('apply', '-f', await file(warn));
    const { err } = await k('create', 'deployment', 'warned', '--image=x:1', '--replicas=9');
    assert.equal(err, "Warning: Validation failed for ValidatingAdmissionPolicy 'replica-limit' with binding 'replica-limit': replicas must be no greater than 3\n");
    await k('delete', '-f', await file(warn));
  });

  it("takes the Gateway API's own policy and keeps older definitions out", { skip: existsSync(GATEWAY_POLICY) ? false : 'no reference data beside the repository' }, async () => {
    const policy = await file(gunzipSync(readFileSync(GATEWAY_POLICY)).toString());
    await k('apply', '-f', policy);
    const crd = gunzipSync(readFileSync(GATEWAY_CRD)).toString().replace(/(gateway\.networking\.k8s\.io\/bundle-version: ).*/, '$1v1.2.0');
    assert.match(await fails('create', '-f', await file(crd)), /denied request: Installing CRDs with version before v1.5.0 is prohibited by default/);
    await k('delete', '-f', policy);
  });

  it('asks a webhook behind a service, and does as it says', async () => {
    const webhook = (kind: 'Mutating' | 'Validating'): string => `apiVersion: admissionregistration.k8s.io/v1
kind: ${kind}WebhookConfiguration
metadata: {name: test-${kind.toLowerCase()}}
webhooks:
- name: ${kind.toLowerCase()}.example.com
  clientConfig:
    service: {namespace: default, name: hooks, port: ${hook.port}, path: /${kind.toLowerCase()}}
    caBundle: ${hook.caBundle}
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}]
  sideEffects: None
  admissionReviewVersions: [v1]
`;
    await k('create', 'service', 'externalname', 'hooks', '--external-name=localhost', `--tcp=${hook.port}`);
    hook.react = ({ path, request }) => {
      if (path.startsWith('/mutating')) {
        return patchResponse([{ op: 'add', path: '/data/checked', value: 'yes' }]);
      }
      return at(request['object'], 'data', 'level') === 'high' ? { response: { allowed: false, status: { code: 403, message: 'too high' } } } : { response: { allowed: true, warnings: ['checked by a webhook'] } };
    };
    await k('apply', '-f', await file(`${webhook('Mutating')}---\n${webhook('Validating')}`));
    const { err } = await k('create', 'configmap', 'fine', '--from-literal=level=low');
    assert.equal(err, 'Warning: checked by a webhook\n');
    assert.equal((await k('get', 'configmap', 'fine', '-o', 'jsonpath={.data}')).out, '{"checked":"yes","level":"low"}');
    assert.equal(await fails('create', 'configmap', 'wrong', '--from-literal=level=high'),
      'error: failed to create configmap: admission webhook "validating.example.com" denied the request: too high\n');
    assert.equal((await run('get', 'configmap', 'wrong')).code, 1);
    assert.deepEqual([...new Set(hook.asked.map(({ servername }) => servername))], ['hooks.default.svc']);
    await k('delete', 'mutatingwebhookconfiguration,validatingwebhookconfiguration', 'test-mutating', 'test-validating', '--ignore-not-found');
  });
});
