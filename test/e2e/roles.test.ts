/** The parts of Telar in processes of their own: a server alone, controllers that take over from each other, and a node. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventually, execute, gone, ROOT, TestInstance } from '../harness/instance.ts';
import { pod, virtualMachine } from '../harness/manifests.ts';

const LAUNCHER = join(ROOT, 'telar');

describe('roles', () => {
  let telar: TestInstance;
  const started: ChildProcess[] = [];
  const spawned = (...words: string[]): ChildProcess => {
    const child = spawn(LAUNCHER, words, { env: telar.env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stderr?.resume();
    started.push(child);
    return child;
  };
  const controllers = (): ChildProcess => spawned('controllers', '--kubeconfig', telar.kubeconfig, '--pod-cidr', telar.podCidr);
  const node = (kubeconfig: string, ...args: string[]): ChildProcess => spawned('node', '--kubeconfig', kubeconfig, '--data-dir', telar.dataDir, '--yes', ...args);
  const says = (child: ChildProcess, words: RegExp): Promise<void> => new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (words.test(text)) {
        resolve();
      }
    });
    child.once('exit', (code) => { reject(new Error(`ended with ${code} after saying ${text}`)); });
  });
  const holder = (): Promise<string> => telar.k('-n', 'kube-system', 'get', 'lease', 'telar-controllers', '-o', 'jsonpath={.spec.holderIdentity}');

  before(async () => {
    telar = await TestInstance.create();
    const output = await telar.telar(['server', '--data-dir', telar.dataDir, '--port', String(telar.port), '--pod-cidr', telar.podCidr, '--service-cidr', telar.serviceCidr, '--detach']);
    assert.equal(output.code, 0, output.stdout + output.stderr);
  });
  after(async () => {
    for (const child of started) {
      child.kill('SIGKILL');
    }
    await telar.remove();
  });

  it('a server alone is ready, keeps what it is given and does nothing with it', async () => {
    assert.doesNotMatch(await telar.k('get', '--raw', '/readyz?verbose'), /controllers|node/);
    await telar.k('create', 'deployment', 'alone', '--image=telar.local/none', '--replicas=2');
    assert.equal(await telar.k('get', 'replicasets', '-o', 'name'), '');
  });

  it('controllers elsewhere do, one process at a time, and another takes over', async () => {
    const first = controllers();
    await says(first, /The controllers work on https:/);
    await eventually('replica sets and pods', async () => (await telar.k('get', 'pods', '-l', 'app=alone', '-o', 'name')).split('\n').filter(Boolean).length === 2);
    const second = controllers();
    const working = says(second, /The controllers work on https:/);
    const leader = await holder();
    assert.match(leader, new RegExp(`_${first.pid ?? ''}$`));
    first.kill('SIGTERM');
    await gone(first.pid ?? 0);
    await working;
    assert.match(await holder(), new RegExp(`_${second.pid ?? ''}$`));
    await telar.k('scale', 'deployment', 'alone', '--replicas=3');
    await eventually('the third pod', async () => (await telar.k('get', 'pods', '-l', 'app=alone', '-o', 'name')).split('\n').filter(Boolean).length === 3);
  });

  it('a node elsewhere runs what they make, and the server passes streams on to it', async () => {
    const first = node(telar.kubeconfig);
    await says(first, /The node \S+ works for https:/);
    const name = await telar.jsonpath('nodes', '{.items[*].metadata.name}');
    assert.equal(await telar.jsonpath(`node ${name}`, '{.status.conditions[?(@.type=="Ready")].status}'), 'True');
    assert.notEqual(await telar.jsonpath(`node ${name}`, '{.status.daemonEndpoints.kubeletEndpoint.Port}'), '0');
    // It works as itself, not as the administrator whose file it was given.
    assert.match(await telar.k('get', 'node', name, '--show-managed-fields', '-o', 'jsonpath={.metadata.managedFields[*].manager}'), /kubelet|telar/);
    assert.equal(await telar.k('get', 'csr', '-o', 'jsonpath={.items[*].spec.username}').then((names) => names.split(' ').sort().join(' ')), `kubernetes-admin system:node:${name}`);
    for (const image of ['shell', 'vm']) {
      const built = await telar.telar(['images', 'build', image]);
      assert.equal(built.code, 0, built.stderr);
    }
    await telar.apply(virtualMachine('guest'));
    const reach = 'nc -w 10 kubernetes.default 443 < /dev/null && echo reached; exec sleep 100000';
    await telar.apply(pod('here', { command: ['sh', '-c', reach] }));
    await telar.k('wait', '--for=condition=Ready', 'pod/here', '--timeout=60s');
    await eventually('the pod reaches the API', async () => (await telar.k('logs', 'here')) === 'reached');
    assert.equal(await telar.k('exec', 'here', '--', 'hostname'), 'here');
    await telar.k('wait', '--for=condition=Ready', 'vmi/guest', '--timeout=60s');
    const page = `wget -q -O - http://${await telar.jsonpath('vmi guest', '{.status.interfaces[0].ipAddress}')}/`;
    await eventually('the guest serves', async () => (await telar.k('exec', 'here', '--', 'sh', '-c', page)) === 'served by guest');
    first.kill('SIGKILL');
    await gone(first.pid ?? 0);
    const since = await telar.jsonpath('pod here', '{.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}');
    // Now with a kubeconfig of the node's own, and what it asked for before still on disk.
    const { code, stdout } = await telar.telar(['user', 'add', `system:node:${name}`, '--group', 'system:nodes']);
    assert.equal(code, 0);
    await says(node(telar.writeFile('node.kubeconfig', stdout)), /The node \S+ works for https:/);
    assert.equal((await telar.k('get', 'csr', '-o', 'name')).split('\n').length, 2, 'nothing is asked for again');
    assert.equal(await telar.k('exec', 'here', '--', 'echo', 'adopted'), 'adopted');
    assert.equal(await telar.jsonpath('pod here', '{.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}'), since);
  });

  it('takes one node a directory, and a kubeconfig of no other', async () => {
    const twice = await telar.telar(['node', '--kubeconfig', telar.kubeconfig, '--data-dir', telar.dataDir]);
    assert.equal(twice.code, 1);
    assert.match(twice.stderr, /^telar: A node of Telar already runs on \S+ \(process \d+\)/);
    const { stdout } = await telar.telar(['user', 'add', 'system:node:other', '--group', 'system:nodes']);
    const dir = join(telar.dataDir, 'elsewhere');
    const strange = await telar.telar(['node', '--kubeconfig', telar.writeFile('other.kubeconfig', stdout), '--data-dir', dir, '--node-name', 'mine']);
    assert.equal(strange.code, 1);
    assert.equal(strange.stderr, 'telar: The kubeconfig is system:node:other\'s, and this node is mine: choose its name with --node-name.\n');
  });

  it('says in one sentence what is missing', async () => {
    const { code, stderr } = await execute(LAUNCHER, ['controllers', '--kubeconfig', '/nowhere/at/all'], { env: telar.env });
    assert.equal(code, 1);
    assert.equal(stderr, 'telar: There is no /nowhere/at/all: name the server with --kubeconfig.\n');
  });
});
