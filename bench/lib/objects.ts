/** The objects of the load: a ConfigMap of about 1 KB, a Pod of about 3 KB, KubeVirt's VirtualMachine. None of them runs anything. */

const FILLER = 'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(22);

export const configMap = (name: string, n: number): string => JSON.stringify({
  apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { app: 'bench', tenth: String(n % 10) } },
  data: { 'settings.yaml': FILLER.slice(0, 760), mode: 'production' },
});

const probe = (path: string): object => ({ httpGet: { path, port: 8080, scheme: 'HTTP', httpHeaders: [{ name: 'X-Probe', value: 'bench' }] }, initialDelaySeconds: 5, periodSeconds: 10, timeoutSeconds: 2 });
const container = (name: string): object => ({
  name, image: `registry.example/bench/${name}:1.2.3`, command: ['/bin/server'], args: ['--listen=:8080', '--log=info', `--name=${name}`],
  ports: [{ name: 'http', containerPort: 8080 }],
  env: Array.from({ length: 8 }, (_, n) => ({ name: `SETTING_${n}`, value: FILLER.slice(n, n + 40) })),
  resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '500m', memory: '256Mi' } },
  livenessProbe: probe('/healthz'), readinessProbe: probe('/readyz'),
  volumeMounts: [{ name: 'config', mountPath: '/etc/config', readOnly: true }, { name: 'scratch', mountPath: '/scratch' }],
  securityContext: { runAsNonRoot: true, runAsUser: 1000, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
});

/** For a scheduler that does not exist, so that nothing happens to it. */
export const pod = (name: string): string => JSON.stringify({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: 'bench', tier: 'load' }, annotations: { 'example.com/note': FILLER.slice(0, 200) } },
  spec: {
    schedulerName: 'nobody', containers: [container('web'), container('sidecar')],
    volumes: [{ name: 'config', configMap: { name: 'none', optional: true } }, { name: 'scratch', emptyDir: {} }],
    tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'bench', effect: 'NoSchedule' }],
  },
});

export const machine = (name: string): string => JSON.stringify({
  apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', metadata: { name, labels: { app: 'bench' } },
  spec: {
    runStrategy: 'Halted',
    template: {
      metadata: { labels: { app: 'bench' } },
      spec: {
        terminationGracePeriodSeconds: 30,
        domain: {
          cpu: { cores: 2 }, memory: { guest: '1Gi' },
          devices: { disks: [{ name: 'root', disk: { bus: 'virtio' } }, { name: 'seed', disk: { bus: 'virtio' } }], interfaces: [{ name: 'default', masquerade: {} }], rng: {} },
        },
        networks: [{ name: 'default', pod: {} }],
        volumes: [{ name: 'root', containerDisk: { image: 'registry.example/bench/guest:1' } }, { name: 'seed', cloudInitNoCloud: { userData: `#cloud-config\n# ${FILLER.slice(0, 300)}\n` } }],
      },
    },
  },
});
