/** One network for containers and guests: names, services, addresses, with and without the control plane. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually, execute, TestInstance } from '../harness/instance.ts';
import { deployment, pod, service, virtualMachine } from '../harness/manifests.ts';

describe('the network', () => {
  let telar: TestInstance;
  before(async () => {
    telar = await TestInstance.create();
    await telar.up();
    for (const image of ['shell', 'web', 'vm']) {
      assert.equal((await telar.telar(['images', 'build', image])).code, 0, image);
    }
    await telar.apply([
      deployment('web', 2), service('web', { type: 'NodePort' }), service('web-headless', { selector: { app: 'web' }, clusterIP: 'None' }),
      service('empty', { selector: { app: 'nobody' } }),
      virtualMachine('legacy', { page: 'from the guest' }), service('legacy', { ports: [{ port: 80 }] }),
      pod('client'),
    ]);
    await telar.k('rollout', 'status', 'deployment/web', '--timeout=180s');
    await telar.k('wait', '--for=condition=Ready', 'pod/client', 'vm/legacy', '--timeout=180s');
  });
  after(() => telar.remove());

  const fetch = (url: string): Promise<string> => telar.k('exec', 'client', '--', 'wget', '-T', '5', '-qO-', url);
  const fromHere = (url: string): Promise<string> => execute('curl', ['-sS', '--max-time', '5', url]).then(({ stdout, stderr }) => stdout + stderr);

  it('resolves and reaches services from a container', async () => {
    await eventually('the service answers', async () => (await fetch('http://web/')).length > 0);
    await eventually('by its full name', async () => (await fetch('http://web.default.svc.cluster.local/')).length > 0);
    await eventually('the guest answers a container', async () => (await fetch('http://legacy/')) === 'from the guest');
    const addresses = await telar.k('exec', 'client', '--', 'nslookup', 'web-headless.default.svc.cluster.local');
    for (const ip of (await telar.k('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].status.podIP}')).split(' ')) {
      assert.ok(addresses.includes(ip), `${ip} in ${addresses}`);
    }
  });

  it('spreads over the ready endpoints and refuses when there are none', async () => {
    const ips = await telar.k('get', 'endpointslices', '-l', 'kubernetes.io/service-name=web', '-o', 'jsonpath={.items[*].endpoints[*].addresses[0]}');
    assert.equal(ips.split(' ').length, 2);
    const refused = await telar.kubectl(['exec', 'client', '--', 'wget', '-T', '5', '-qO-', 'http://empty/']);
    assert.match(refused.stderr, /refused|unreachable/i);
  });

  it('reaches pods, services and node ports from the machine itself', async () => {
    const clusterIp = await telar.jsonpath('service web', '{.spec.clusterIP}');
    const nodePort = await telar.jsonpath('service web', '{.spec.ports[0].nodePort}');
    const guest = await telar.jsonpath('vmi legacy', '{.status.interfaces[0].ipAddress}');
    await eventually('the service', async () => (await fromHere(`http://${clusterIp}/`)).includes('<'));
    await eventually('the node port', async () => (await fromHere(`http://127.0.0.1:${nodePort}/`)).includes('<'));
    assert.equal((await fromHere(`http://${guest}/`)).trim(), 'from the guest');
  });

  it('goes on without the control plane, names included', async () => {
    // Other instances may run the same program: the container's processes are those in its pod's cgroup.
    const uid = await telar.jsonpath('pod client', '{.metadata.uid}');
    const { stdout: container } = await execute('sh', ['-c', `for p in $(pgrep -f 'sleep 100000'); do grep -qs 'pod${uid}/' /proc/$p/cgroup && echo $p && break; done`]);
    const clusterIp = await telar.jsonpath('service legacy', '{.spec.clusterIP}');
    await telar.kill();
    try {
      assert.equal((await fromHere(`http://${clusterIp}/`)).trim(), 'from the guest');
      const inside = await execute('nsenter', ['-t', container.trim(), '-n', '-m', 'wget', '-T', '5', '-qO-', 'http://legacy.default.svc.cluster.local/']);
      assert.equal(inside.stdout.trim(), 'from the guest', inside.stderr);
    } finally {
      await telar.up();
    }
  });

  it('lets a guest resolve and reach services', async () => {
    await telar.apply(virtualMachine('asker', {
      page: 'asker',
      spec: {
        volumes: [{ name: 'seed', cloudInitNoCloud: { userData: '#cloud-config\nhostname: asker\nruncmd:\n- mkdir -p /srv/www\n- timeout 10 wget -qO /srv/www/index.html http://legacy.default.svc.cluster.local/\n' } }],
      },
    }));
    await telar.k('wait', '--for=condition=Ready', 'vm/asker', '--timeout=180s');
    const ip = await telar.jsonpath('vmi asker', '{.status.interfaces[0].ipAddress}');
    await eventually('what one guest fetched from the other', async () => (await fromHere(`http://${ip}/`)).trim() === 'from the guest');
  });
});
