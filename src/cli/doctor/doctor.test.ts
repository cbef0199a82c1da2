import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Probe, Wiring } from '../wiring.ts';
import { hasApt, installCommand } from './apt.ts';
import { examine, findingLine, missingPackages } from './examine.ts';

const folder = mkdtempSync(join(tmpdir(), 'telar-doctor-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const wiringWith = (probes: readonly Probe[]): Wiring => ({
  probes: () => Promise.resolve(probes),
  users: () => { throw new Error('not asked'); },
  verify: () => Promise.reject(new Error('not here')),
  serve: () => Promise.reject(new Error('not here')),
  control: () => Promise.reject(new Error('not here')),
  node: () => Promise.reject(new Error('not here')),
  teardown: () => Promise.reject(new Error('not here')),
  gateway: () => Promise.reject(new Error('not here')),
});

const probe = (name: string, status: 'ok' | 'limited' | 'missing', packages: string[] = []): Probe =>
  ({ name, packages, run: () => Promise.resolve({ status, detail: `${name} seen` }) });

test('findings come in order, and packages of what is missing once each', async () => {
  const shown: string[] = [];
  const findings = await examine(wiringWith([
    probe('containers', 'missing', ['podman', 'runc']), probe('kvm', 'limited', ['none']), probe('qemu', 'missing', ['qemu', 'runc']), probe('port', 'ok'),
  ]), { dataDir: join(folder, 'none'), fix: false, yes: false, show: ({ name }) => shown.push(name) });
  assert.deepEqual(shown, ['containers', 'kvm', 'qemu', 'port']);
  assert.deepEqual(missingPackages(findings), ['podman', 'runc', 'qemu']);
});

test('a probe that breaks is something missing', async () => {
  const broken: Probe = { name: 'qemu', packages: [], run: () => Promise.reject(new Error('no such program')) };
  const [finding] = await examine(wiringWith([broken]), { dataDir: join(folder, 'none'), fix: false, yes: false });
  assert.equal(finding?.status, 'missing');
  assert.match(finding === undefined ? '' : findingLine(finding, false), /✗ qemu .*no such program\n.*running virtual machines/);
});

test('Debian and its kin are recognised', () => {
  const release = (content: string): string => {
    const file = join(folder, 'os-release');
    writeFileSync(file, content);
    return file;
  };
  assert.equal(hasApt(release('NAME="Debian GNU/Linux"\nID=debian\n')), true);
  assert.equal(hasApt(release('ID=linuxmint\nID_LIKE="ubuntu debian"\n')), true);
  assert.equal(hasApt(release('ID="fedora"\nVERSION_ID=42\n')), false);
  assert.equal(hasApt(join(folder, 'nothing')), false);
});

test('the command to type is complete', () => {
  assert.equal(installCommand(['a', 'b'], true), 'apt-get update && apt-get install --yes --no-install-recommends a b');
  assert.match(installCommand(['a'], false), /^sudo apt-get update && sudo apt-get install/);
});
