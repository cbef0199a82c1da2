/** Coming and going: up, status, down, the demo, and what is left behind (nothing). */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventually, execute, ROOT, TestInstance } from '../harness/instance.ts';

/** Links, tables, namespaces and processes that carry the instance's id. */
async function traces(id: string): Promise<string> {
  const { stdout } = await execute('sh', ['-c', [
    `ip -o link | grep 'tl${id}'`, `nft list tables | grep '${id}'`, `ip route | grep 'tl${id}'`, `mount | grep '/telar/${id}'`,
    `pgrep -af '/telar/${id}' | grep -v ' sh -c '`, `ls /run/telar/${id} 2>/dev/null`,
  ].join('; ') + '; true']);
  return stdout;
}

function idOf({ dataDir }: TestInstance): string {
  const instance: unknown = JSON.parse(readFileSync(join(dataDir, 'instance.json'), 'utf8'));
  const id = typeof instance === 'object' && instance !== null && 'id' in instance ? String(instance.id) : '';
  assert.match(id, /^[a-z0-9]{6}$/);
  return id;
}

describe('life cycle', () => {
  let telar: TestInstance;
  let id: string;
  let tablesBefore: string;
  before(async () => {
    await execute('sh', ['-c', 'nft add table inet somebodyelse && nft add chain inet somebodyelse theirs']);
    tablesBefore = (await execute('nft', ['list', 'table', 'inet', 'somebodyelse'])).stdout;
    telar = await TestInstance.create();
    await telar.up();
    id = idOf(telar);
  });
  after(async () => {
    await execute('nft', ['delete', 'table', 'inet', 'somebodyelse']);
  });

  it('keeps its keys to itself', () => {
    assert.equal(statSync(telar.kubeconfig).mode & 0o777, 0o600);
    assert.equal(statSync(telar.dataDir).mode & 0o077, 0);
  });

  it('refuses a second start on the same directory, naming the first', async () => {
    const second = await telar.telar([...telar.upArgs, '--yes']);
    assert.notEqual(second.code, 0);
    assert.match(second.stderr, new RegExp(String(telar.pid())));
    assert.doesNotMatch(second.stderr, /\n\s+at /);
  });

  it('refuses ranges that the machine uses already, in one sentence and leaving nothing running', async () => {
    const other = await TestInstance.create();
    const args = ['up', '--data-dir', other.dataDir, '--port', String(other.port), '--pod-cidr', other.podCidr, '--service-cidr', telar.serviceCidr, '--yes'];
    for (const [language, sentence] of [['en_US.UTF-8', 'The service range'], ['es_ES.UTF-8', 'El rango']] as const) {
      const { code, stderr } = await execute(join(ROOT, 'telar'), args, { env: { ...other.env, LC_ALL: language }, timeoutMs: 60_000 });
      assert.equal(code, 1, stderr);
      assert.match(stderr, new RegExp(`^telar: ${sentence} .*${telar.serviceCidr.replaceAll('.', '\\.')}.*--service-cidr`, 'm'));
      assert.doesNotMatch(stderr, /\n\s+at /);
      assert.equal((await execute('pgrep', ['-f', other.dataDir])).stdout, '');
      const otherId = idOf(other);
      const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n').filter((line) => line.includes(other.dataDir) || line.includes(otherId));
      assert.deepEqual(mounts, []);
    }
    await other.remove();
  });

  it('answers status, kubeconfig and readyz', async () => {
    assert.equal((await telar.telar(['status'])).code, 0);
    assert.match((await telar.telar(['kubeconfig'])).stdout, /certificate-authority-data/);
    assert.match(await telar.k('get', '--raw', '/readyz?verbose'), /readyz check passed/);
    assert.match(await telar.k('get', 'nodes'), /Ready/);
  });

  it('runs the demo twice, the second time changing nothing, and takes it away', { timeout: 600_000 }, async () => {
    const demo = (): Promise<{ code: number; stdout: string; stderr: string }> =>
      telar.telar(['demo', '--data-dir', telar.dataDir, '--yes'], { timeoutMs: 500_000 });
    const first = await demo();
    assert.equal(first.code, 0, first.stdout + first.stderr);
    const objects = (): Promise<string> => telar.k('get', 'all', '-A', '-o', 'jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.uid} {.metadata.generation}{"\\n"}{end}');
    const before = await objects();
    const second = await demo();
    assert.equal(second.code, 0, second.stdout + second.stderr);
    assert.equal(await objects(), before);
    const ps = await telar.telar(['ps', '-A']);
    assert.match(ps.stdout, /VirtualMachine/);
    assert.match(ps.stdout, /Deployment/);
    const json: unknown = JSON.parse((await telar.telar(['ps', '-A', '-o', 'json'])).stdout);
    assert.ok(typeof json === 'object' && json !== null);
    const gone = await telar.telar(['demo', '--data-dir', telar.dataDir, '--down'], { timeoutMs: 300_000 });
    assert.equal(gone.code, 0, gone.stdout + gone.stderr);
    await eventually('the shop is gone', async () => !(await telar.k('get', 'vm', '-A', '-o', 'name')).includes('virtualmachine'));
  });

  it('leaves nothing behind but its directory', async () => {
    assert.notEqual(await traces(id), '');
    await telar.remove();
    assert.equal(await traces(id), '');
    assert.ok(!existsSync(telar.dataDir));
    assert.equal((await execute('nft', ['list', 'table', 'inet', 'somebodyelse'])).stdout, tablesBefore);
  });
});
