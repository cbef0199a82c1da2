/** Debian's Python client (python3-kubernetes) against the real server: see client.py for what it does. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { debianFolder } from '../../scripts/debian.ts';
import { execute, TestInstance } from '../harness/instance.ts';

const SCRIPT = fileURLToPath(new URL('client.py', import.meta.url));
/** It and what it needs that may not be there. */
const PACKAGES = [
  'python3-kubernetes', 'python3-google-auth', 'python3-cachetools', 'python3-pyasn1', 'python3-pyasn1-modules', 'python3-rsa', 'python3-requests', 'python3-requests-oauthlib', 'python3-oauthlib',
  'python3-websocket', 'python3-dateutil', 'python3-yaml', 'python3-six', 'python3-urllib3', 'python3-certifi', 'python3-idna', 'python3-chardet', 'python3-charset-normalizer',
  'python3-blinker', 'python3-jwt', 'python3-pkg-resources', 'python3-setuptools',
];
const STEPS = [
  'version', 'create', 'get', 'list', 'list in pages', 'watch', 'strategic merge patch', 'json patch', 'replace', 'conflict', 'not found', 'secret', 'deployment', 'scale', 'custom object', 'custom object patch',
  'access review', 'dry run', 'delete collection',
];

function environment(): NodeJS.ProcessEnv {
  if (spawnSync('python3', ['-c', 'import kubernetes'], { stdio: 'ignore' }).status === 0) {
    return process.env;
  }
  return { ...process.env, PYTHONPATH: join(debianFolder(PACKAGES), 'usr/lib/python3/dist-packages') };
}

describe('the Python client', { timeout: 240_000 }, () => {
  let telar: TestInstance;
  let lines: string[];
  let stderr: string;
  before(async () => {
    const env = environment();
    telar = await TestInstance.create();
    const [, ...flags] = telar.upArgs;
    const started = await telar.telar(['server', ...flags, '--detach']);
    assert.equal(started.code, 0, started.stderr);
    const output = await execute('python3', [SCRIPT, telar.kubeconfig], { env, timeoutMs: 120_000 });
    lines = output.stdout.split('\n');
    ({ stderr } = output);
  });
  after(async () => {
    await telar.down();
    rmSync(telar.dataDir, { recursive: true, force: true });
  });

  for (const name of STEPS) {
    it(name, () => {
      assert.ok(lines.includes(`ok ${name}`), stderr);
    });
  }

  it('comes to its end', () => {
    assert.ok(lines.includes('done'), stderr);
  });
});
