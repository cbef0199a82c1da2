import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Pod, PodSpec } from '../../../kinds/generated/core.ts';
import { at, pod, TestServer } from '../../testing/harness.ts';
import { newRequest } from '../request.ts';
import { PodSecurity } from './plugin.ts';
import { detailsOf, violations, type Level } from './policy.ts';

const hardened = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } };

/** A pod that passes `restricted`, but for what is given. */
const specOf = (container: Record<string, unknown>, spec: Partial<PodSpec> = {}): PodSpec =>
  ({ containers: [{ name: 'a', securityContext: { ...hardened, ...container } }], ...spec });

const complaints = (level: Level, spec: PodSpec, annotations: Record<string, string> = {}): string => detailsOf(violations(level, { metadata: { annotations }, spec }));

/** What is wrong, and the words for it: one line for each check of the standards. */
const BASELINE_CASES: readonly [string, PodSpec, string][] = [
  ['host namespaces', specOf({}, { hostNetwork: true, hostIPC: true }), 'host namespaces (hostNetwork=true, hostIPC=true)'],
  ['privileged', specOf({ privileged: true }), 'privileged (container "a" must not set securityContext.privileged=true)'],
  ['capabilities', specOf({ capabilities: { add: ['SYS_ADMIN', 'NET_RAW', 'CHOWN'] } }),
    'non-default capabilities (container "a" must not include "NET_RAW", "SYS_ADMIN" in securityContext.capabilities.add)'],
  ['host paths', specOf({}, { volumes: [{ name: 'v', hostPath: { path: '/' } }, { name: 'w', hostPath: { path: '/' } }] }), 'hostPath volumes (volumes "v", "w")'],
  ['host ports', { containers: [{ name: 'a', ports: [{ containerPort: 1, hostPort: 80 }] }, { name: 'b', ports: [{ containerPort: 1, hostPort: 443 }] }] },
    'hostPorts (containers "a", "b" use hostPorts 443, 80)'],
  ['AppArmor', specOf({ appArmorProfile: { type: 'Unconfined' } }), 'forbidden AppArmor profile (container "a" must not set AppArmor profile type to "Unconfined")'],
  ['SELinux', specOf({ seLinuxOptions: { type: 'spc_t', user: 'u' } }), 'seLinuxOptions (container "a" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)'],
  ['proc', specOf({ procMount: 'Unmasked' }), 'procMount (container "a" must not set securityContext.procMount to "Unmasked")'],
  ['seccomp', specOf({}, { securityContext: { seccompProfile: { type: 'Unconfined' } } }), 'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")'],
  ['sysctls', specOf({}, { securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }, { name: 'net.ipv4.tcp_rmem', value: '1' }] } }), 'forbidden sysctls (kernel.msgmax)'],
  ['Windows host processes', specOf({}, { securityContext: { windowsOptions: { hostProcess: true } } }), 'hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)'],
  ['hosts of probes', { containers: [{ name: 'a', livenessProbe: { httpGet: { port: 1, host: '192.0.2.1' } } }] }, 'probe or lifecycle host (container "a" uses probe or lifecycle host "192.0.2.1")'],
];

const RESTRICTED_CASES: readonly [string, PodSpec, string][] = [
  ['privilege escalation', { containers: [{ name: 'a', securityContext: { ...hardened, allowPrivilegeEscalation: true } }, { name: 'b', securityContext: { ...hardened, allowPrivilegeEscalation: true } }] },
    'allowPrivilegeEscalation != false (containers "a", "b" must set securityContext.allowPrivilegeEscalation=false)'],
  ['capabilities', specOf({ capabilities: { add: ['CHOWN', 'NET_BIND_SERVICE'] } }), 'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]; '
    + 'container "a" must not include "CHOWN" in securityContext.capabilities.add)'],
  ['volumes', specOf({}, { volumes: [{ name: 'n', nfs: { server: 's', path: '/' } }, { name: 'h', hostPath: { path: '/' } }, { name: 'ok', emptyDir: {} }] }),
    'restricted volume types (volumes "n", "h" use restricted volume types "hostPath", "nfs")'],
  ['users', specOf({ runAsUser: 0 }, { securityContext: { runAsUser: 0 } }), 'runAsUser=0 (pod and container "a" must not set runAsUser=0)'],
  ['root', specOf({ runAsNonRoot: undefined }, { securityContext: { runAsNonRoot: false } }), 'runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)'],
  ['seccomp', specOf({ seccompProfile: undefined }), 'seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'],
  ['nothing said at all', { containers: [{ name: 'c' }] }, 'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), '
    + 'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), '
    + 'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), '
    + 'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'],
];

describe('Pod Security Standards', () => {
  for (const [what, spec, words] of BASELINE_CASES) {
    it(`baseline: ${what}`, () => assert.equal(complaints('baseline', spec), words));
  }
  for (const [what, spec, words] of RESTRICTED_CASES) {
    it(`restricted: ${what}`, () => assert.equal(complaints('restricted', spec), words));
  }

  it('lets the good ones pass', () => {
    assert.equal(complaints('restricted', specOf({})), '');
    assert.equal(complaints('baseline', { containers: [{ name: 'c' }] }), '');
    assert.equal(complaints('privileged', specOf({ privileged: true }, { hostPID: true })), '');
    assert.equal(complaints('restricted', { os: { name: 'windows' }, containers: [{ name: 'c', securityContext: { runAsNonRoot: true } }] }), '');
  });

  it('reads the old annotations of AppArmor', () => {
    const key = 'container.apparmor.security.beta.kubernetes.io/a';
    assert.equal(complaints('baseline', specOf({}), { [key]: 'unconfined' }),
      `forbidden AppArmor profile (annotation "${key}" must not set AppArmor profile type to "unconfined")`);
    assert.equal(complaints('baseline', specOf({}), { [key]: 'localhost/x' }), '');
  });
});

describe('PodSecurity', () => {
  let s: TestServer;
  before(async () => {
    s = await TestServer.start();
  });
  after(() => s.close());

  const labels = (levels: Record<string, string>): Record<string, string> =>
    Object.fromEntries(Object.entries(levels).map(([mode, level]) => [`pod-security.kubernetes.io/${mode}`, level]));

  async function room(name: string, levels: Record<string, string>): Promise<string> {
    const made = await s.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: labels(levels) } });
    assert.equal(made.code, 201, made.text);
    return `/api/v1/namespaces/${name}/pods`;
  }

  const warningsOf = ({ warning = '' }: { warning?: string | string[] | undefined }): string => [warning].flat().join(', ');

  it('refuses, warns and lets pass by the labels of the namespace', async () => {
    const pods = await room('strict', { enforce: 'baseline', 'enforce-version': 'v1.30', warn: 'restricted' });
    const refused = await s.post(pods, pod('bad', { hostPID: true }));
    assert.equal(refused.code, 403);
    assert.equal(refused.json['message'], 'pods "bad" is forbidden: violates PodSecurity "baseline:v1.30": host namespaces (hostPID=true)');
    assert.equal(warningsOf(refused.headers), '', 'who is refused needs no warning');
    const warned = await s.post(pods, pod('fair'));
    assert.equal(warned.code, 201, warned.text);
    assert.match(warningsOf(warned.headers), /^299 - "would violate PodSecurity \\"restricted:latest\\": allowPrivilegeEscalation != false \(container \\"c\\" must set/);
    const touched = await s.patch(`${pods}/fair`, { metadata: { labels: { a: 'b' } } });
    assert.equal(warningsOf(touched.headers), '', 'what does not concern security is not looked at again');
  });

  it('does not concern those who are exempt, and tells the audit log so', () => {
    const kind = s.server.core.registry.byResource('', 'v1', 'pods');
    assert.ok(kind !== undefined);
    const plugin = new PodSecurity({
      namespaceOf: (name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: labels({ enforce: 'baseline', audit: 'restricted' }) } }), podsOf: () => [],
      exemptions: { namespaces: ['free'], usernames: ['root'], runtimeClasses: ['sandboxed'] },
    });
    const told = new Map<string, string>();
    const ask = (namespace: string, user: string, spec: Partial<PodSpec> = {}): void => {
      told.clear();
      const object: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace }, spec: { containers: [{ name: 'c' }], hostPID: true, ...spec } };
      plugin.validate(newRequest({ user: { name: user, groups: [] }, dryRun: false, warnings: [], annotate: (key, value) => told.set(key, value) },
        { operation: 'CREATE', kind, namespace, name: 'p', subresource: '', object, old: undefined }));
    };
    assert.throws(() => ask('kept', 'ann'), { code: 403 });
    assert.deepEqual([told.get('pod-security.kubernetes.io/enforce-policy'), told.get('pod-security.kubernetes.io/audit-violations')?.slice(0, 68)],
      ['baseline:latest', 'would violate PodSecurity "restricted:latest": host namespaces (host']);
    for (const [who, args] of [['namespace', ['free', 'ann']], ['user', ['kept', 'root']], ['runtimeClass', ['kept', 'ann', { runtimeClassName: 'sandboxed' }]]] as const) {
      const [namespace, user, spec] = args;
      ask(namespace, user, spec);
      assert.deepEqual([...told], [['pod-security.kubernetes.io/exempt', who]]);
    }
  });

  it('warns of templates whose pods would be refused', async () => {
    await room('templates', { enforce: 'restricted', warn: 'baseline' });
    const template = { metadata: { labels: { app: 'x' } }, spec: { hostNetwork: true, containers: [{ name: 'c', image: 'x:1' }] } };
    const made = await s.post('/apis/apps/v1/namespaces/templates/deployments', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' },
      spec: { selector: { matchLabels: { app: 'x' } }, template } });
    assert.equal(made.code, 201, made.text);
    assert.match(warningsOf(made.headers), /would violate PodSecurity \\"baseline:latest\\": host namespaces \(hostNetwork=true\)/);
    const cron = await s.post('/apis/batch/v1/namespaces/templates/cronjobs', { apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'j' },
      spec: { schedule: '* * * * *', jobTemplate: { spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } } } });
    assert.match(warningsOf(cron.headers), /host namespaces/, cron.text);
  });

  it('refuses labels that mean nothing, and tells of pods that a stricter level would not have let in', async () => {
    const bad = await s.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'odd', labels: labels({ enforce: 'strict', 'warn-version': '1.20' }) } });
    assert.equal(bad.code, 422);
    assert.equal(bad.json['message'], 'Namespace "odd" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": '
      + 'must be one of privileged, baseline, restricted, metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "1.20": must be "latest" or "v1.x"]');
    const pods = await room('later', {});
    await Promise.all(['one', 'two'].map((name) => s.post(pods, pod(name))));
    await s.post(pods, pod('three', { hostPID: true }));
    const changed = await s.patch('/api/v1/namespaces/later', { metadata: { labels: labels({ enforce: 'restricted' }) } });
    assert.equal(changed.code, 200);
    const warnings = warningsOf(changed.headers);
    assert.match(warnings, /existing pods in namespace \\"later\\" violate the new PodSecurity enforce level \\"restricted:latest\\"/);
    assert.match(warnings, /one \(and 1 other pod\): allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile/);
    assert.match(warnings, /three: host namespaces, allowPrivilegeEscalation/);
    assert.equal(at((await s.post(pods, pod('four'))).json, 'code'), 403);
  });
});
