/**
 * Reads the block YAML that kubeconfigs are written in — maps, lists of maps, plain and quoted scalars — without
 * loading a YAML library, so that commands start fast. Answers undefined for anything it is not sure of.
 */

interface Line {
  indent: number;
  text: string;
}

class NotSimple extends Error {
  override name = 'NotSimple';
}

export function parseSimpleYaml(text: string): unknown {
  try {
    if (text.trimStart().startsWith('{')) {
      const parsed: unknown = JSON.parse(text);
      return parsed;
    }
    const lines = split(text);
    const reader = { lines, at: 0 };
    const value = block(reader, 0);
    return reader.at === lines.length ? value : undefined;
  } catch (error) {
    if (error instanceof NotSimple || error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
}

function split(text: string): Line[] {
  const lines: Line[] = [];
  for (const raw of text.split('\n')) {
    const trimmed = raw.trim();
    if (trimmed === '' || trimmed.startsWith('#') || (trimmed === '---' && lines.length === 0)) {
      continue;
    }
    if (raw.includes('\t')) {
      throw new NotSimple();
    }
    lines.push({ indent: raw.length - raw.trimStart().length, text: trimmed });
  }
  return lines;
}

interface Reader {
  lines: Line[];
  at: number;
}

function block(reader: Reader, indent: number): unknown {
  const first = reader.lines[reader.at];
  if (first === undefined || first.indent < indent) {
    return null;
  }
  return first.text === '-' || first.text.startsWith('- ') ? list(reader, first.indent) : map(reader, first.indent);
}

function list(reader: Reader, indent: number): unknown[] {
  const items: unknown[] = [];
  for (let line = reader.lines[reader.at]; line?.indent === indent && line.text.startsWith('- '); line = reader.lines[reader.at]) {
    const rest = line.text.slice(2).trimStart();
    if (isMember(rest)) {
      // The item's map begins on the dash's own line: read that line as the map's first.
      const inner = indent + line.text.length - rest.length;
      reader.lines[reader.at] = { indent: inner, text: rest };
      items.push(map(reader, inner));
    } else {
      items.push(scalar(rest));
      reader.at += 1;
    }
  }
  return items;
}

const MEMBER = /^([A-Za-z0-9_./-]+):(?: +(.*))?$/;

function isMember(text: string): boolean {
  return MEMBER.test(text);
}

function map(reader: Reader, indent: number): Record<string, unknown> {
  const members: Record<string, unknown> = {};
  for (let line = reader.lines[reader.at]; line?.indent === indent; line = reader.lines[reader.at]) {
    const match = MEMBER.exec(line.text);
    if (match?.[1] === undefined || Object.hasOwn(members, match[1]) || match[1] === '__proto__') {
      throw new NotSimple();
    }
    reader.at += 1;
    members[match[1]] = match[2] === undefined ? nested(reader, indent) : scalar(match[2]);
  }
  return members;
}

/** What follows `key:`: deeper lines, or a list whose dashes stand under the key. */
function nested(reader: Reader, indent: number): unknown {
  const next = reader.lines[reader.at];
  if (next === undefined || next.indent < indent || (next.indent === indent && !next.text.startsWith('- '))) {
    return null;
  }
  return block(reader, next.indent);
}

function scalar(text: string): unknown {
  if (text.startsWith('"')) {
    const parsed: unknown = JSON.parse(text);
    return parsed;
  }
  if (text === '{}') {
    return {};
  }
  if (text === '[]') {
    return [];
  }
  if (/^[[{>|&*!%@`'?]/.test(text) || text.includes(' #') || text.includes(': ')) {
    throw new NotSimple();
  }
  switch (text) {
    case 'true': return true;
    case 'false': return false;
    case 'null': case '~': return null;
    default: return /^[-+]?[\d.]+(e\d+)?$/i.test(text) ? Number(text) : text;
  }
}
