import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('./guest/etc/cloud.awk', import.meta.url));

/** What the guest's reader of cloud-config writes, by file name, and what it says. */
function read(userData: string): { files: Record<string, string>; said: string } {
  const folder = mkdtempSync(join(tmpdir(), 'telar-cloud-'));
  try {
    const said = execFileSync('awk', ['-v', `out=${folder}`, '-f', SCRIPT], { input: userData, encoding: 'utf8' });
    return { files: Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')])), said };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('files keep their content to the byte', () => {
  const { files } = read(`#cloud-config
write_files:
  - path: /srv/www/a.csv
    permissions: '0600'
    content: |
      item,count
      # not a comment: content

        indented

  - content: "one\\ntwo \\"q\\""
    path: /b b # a comment
  - path: /c
    encoding: b64
    content: aGVsbG8=
  - path: /d
    content: >-
      folded
      into one
`);
  assert.equal(files['1'], 'item,count\n# not a comment: content\n\n  indented\n');
  assert.equal(files['1.meta'], 'path /srv/www/a.csv\npermissions 0600\n');
  assert.equal(files['2'], 'one\ntwo "q"');
  assert.equal(files['2.meta'], 'path /b b\n');
  assert.equal(files['3.meta'], 'path /c\nencoding b64\n');
  assert.equal(files['4'], 'folded into one');
});

test('commands come as lines, words quoted for the shell', () => {
  const { files, said } = read(`#cloud-config
fqdn: stock.example
hostname: stock
runcmd:
- echo one
- [sh, -c, "echo 'two, three'"]
- |
  for i in 1 2; do
    echo $i
  done
packages:
  - nginx
users:
- name: ana
`);
  assert.equal(files['hostname'], 'stock');
  assert.equal(execFileSync('sh', { input: files['runcmd'] ?? '', encoding: 'utf8' }), 'one\ntwo, three\n1\n2\n');
  assert.match(said, /not read by the starter guest: packages, users/);
});
