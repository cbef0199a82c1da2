/** What the documents say that can be checked: their links lead somewhere, and the page of commands names each command and option. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import type { Command } from 'commander';
import { buildProgram } from '../../src/cli/program.ts';
import type { Wiring } from '../../src/cli/wiring.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PAGES = globSync(['*.md', '{docs,examples,bench,test,src,scripts}/**/*.md'], { cwd: ROOT });

/** Without the blocks and words that are code. */
const prose = (markdown: string): string => markdown.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');

/** Headings as anchors, as the usual readers of Markdown make them. */
const anchors = (markdown: string): string[] => [...markdown.matchAll(/^#+ (.+)$/gm)]
  .map(([, heading = '']) => heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replace(/ /g, '-'));

const refuse = (): never => {
  throw new Error('nothing runs here');
};
const WIRING: Wiring = { probes: refuse, verify: refuse, serve: refuse, control: refuse, node: refuse, users: refuse, teardown: refuse, gateway: refuse };

/** `telar images list` and its command, for every command that does something itself. */
function leaves(command: Command, words: readonly string[]): [string, Command][] {
  const below = command.commands.filter((one) => one.name() !== 'help');
  return below.length === 0 ? [[words.join(' '), command]]
    : below.flatMap((one) => leaves(one, [...words, one.name()]));
}

describe('documents', () => {
  it('are found', () => {
    assert.ok(PAGES.includes('README.md') && PAGES.includes('docs/install.md'), PAGES.join(' '));
  });

  for (const page of PAGES) {
    it(`${page}: its links lead somewhere`, () => {
      const text = readFileSync(join(ROOT, page), 'utf8');
      for (const [, target = ''] of prose(text).matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)) {
        if (/^[a-z][a-z+.-]*:/.test(target)) {
          continue;
        }
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? join(ROOT, page) : resolve(ROOT, dirname(page), decodeURI(path));
        assert.ok(existsSync(file), `${target} is not there`);
        if (anchor !== undefined) {
          assert.ok(anchors(readFileSync(file, 'utf8')).includes(anchor), `${target} is no heading`);
        }
      }
    });
  }

  it('are there in Spanish where a page links to its Spanish form', () => {
    for (const page of ['README.md', 'install.md', 'concepts.md']) {
      assert.ok(existsSync(join(ROOT, 'docs/es', page)), page);
    }
  });
});

describe('docs/reference/cli.md', () => {
  const sections = new Map(readFileSync(join(ROOT, 'docs/reference/cli.md'), 'utf8').split(/^## /m).slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section]));
  const commands = new Map(leaves(buildProgram(WIRING), ['telar']));

  it('has a section for each command and no other', () => {
    assert.deepEqual([...sections.keys()].sort(), [...commands.keys()].sort());
  });

  for (const [name, command] of commands) {
    it(`${name}: names its options and no others`, () => {
      const named = [...(sections.get(name) ?? '').matchAll(/^\| `(-[^`]+)`/gm)].map(([, flags = '']) => flags);
      assert.deepEqual(named.sort(), command.options.map(({ flags }) => flags).sort());
    });

    it(`${name}: names its other names`, () => {
      for (const alias of command.aliases()) {
        assert.ok(sections.get(name)?.includes(`telar images ${alias}\``), alias);
      }
    });
  }
});
