/** Small manifests the end-to-end tests are made of. */

export const SHELL = 'telar.local/starter/shell';
export const WEB = 'telar.local/starter/web';
export const GUEST = 'telar.local/starter/vm';

type Part = Record<string, unknown>;

export function pod(name: string, container: Part = {}, spec: Part = {}, metadata: Part = {}): Part {
  return {
    apiVersion: 'v1', kind: 'Pod', metadata: { name, ...metadata },
    spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: SHELL, command: ['sleep', '100000'], ...container }], ...spec },
  };
}

export function deployment(name: string, replicas: number, container: Part = {}): Part {
  return {
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name },
    spec: {
      replicas, selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: WEB, ports: [{ name: 'http', containerPort: 8080 }], ...container }] },
      },
    },
  };
}

export function service(name: string, spec: Part = {}): Part {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }], ...spec } };
}

/** A guest booted from a kernel in an image, with what it serves on port 80. */
export function virtualMachine(name: string, options: { runStrategy?: string; page?: string; spec?: Part; disk?: boolean; kernelArgs?: string } = {}): Part {
  const userData = `#cloud-config\nhostname: ${name}\nwrite_files:\n- path: /srv/www/index.html\n  content: ${JSON.stringify(options.page ?? `served by ${name}`)}\n`;
  return {
    apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', metadata: { name },
    spec: {
      runStrategy: options.runStrategy ?? 'Always',
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: 30,
          domain: {
            cpu: { cores: 1 }, memory: { guest: '192Mi' },
            ...(options.disk === true ? {} : { firmware: { kernelBoot: { kernelArgs: options.kernelArgs ?? 'console=ttyS0 quiet', container: { image: GUEST, kernelPath: '/boot/vmlinuz', initrdPath: '/boot/initrd' } } } }),
            devices: {
              disks: [...(options.disk === true ? [{ name: 'root', disk: { bus: 'virtio' } }] : []), { name: 'seed', disk: { bus: 'virtio' } }],
              interfaces: [{ name: 'default', masquerade: {} }],
            },
          },
          networks: [{ name: 'default', pod: {} }],
          volumes: [...(options.disk === true ? [{ name: 'root', containerDisk: { image: GUEST } }] : []), { name: 'seed', cloudInitNoCloud: { userData } }],
          ...options.spec,
        },
      },
    },
  };
}
