/** The parts of Telar in processes of their own: a server alone, and controllers that take over from each other. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventually, execute, gone, ROOT, TestInstance } from '../harness/instance.ts';

const LAUNCHER = join(ROOT, 'telar');

describe('roles', () => {
  let telar: TestInstance;
  const started: ChildProcess[] = [];
  /** Resolves with the process once it has printed that it works. */
  const controllers = async (...args: string[]): Promise<ChildProcess> => {
    const child = spawn(LAUNCHER, ['controllers', '--kubeconfig', telar.kubeconfig, ...args], { env: telar.env, stdio: ['ignore', 'pipe', 'pipe'] });
    started.push(child);
    return child;
  };
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
    const output = await telar.telar(['server', '--data-dir', telar.dataDir, '--port', String(telar.port), '--detach']);
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
    const first = await controllers();
    await says(first, /The controllers work on https:/);
    await eventually('replica sets and pods', async () => (await telar.k('get', 'pods', '-l', 'app=alone', '-o', 'name')).split('\n').filter(Boolean).length === 2);
    const second = await controllers();
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

  it('says in one sentence what is missing', async () => {
    const { code, stderr } = await execute(LAUNCHER, ['controllers', '--kubeconfig', '/nowhere/at/all'], { env: telar.env });
    assert.equal(code, 1);
    assert.equal(stderr, 'telar: There is no /nowhere/at/all: name the server with --kubeconfig.\n');
  });
});
