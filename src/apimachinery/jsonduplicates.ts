/** Finds members given twice in a JSON text known to be well-formed: the slow way, taken only when their number does not add up. */

/** Duplicates that are named. */
const MAX_DUPLICATES = 100;
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/gs;

interface Level {
  /** Undefined in a list. */
  names: Set<string> | undefined;
  /** `spec.containers[0]`, empty at the root. */
  path: string;
  index: number;
  /** The member whose value comes next. */
  name: string;
}

const childPath = (level: Level | undefined): string => {
  if (level === undefined) {
    return '';
  }
  if (level.names === undefined) {
    return `${level.path}[${level.index}]`;
  }
  return level.path === '' ? level.name : `${level.path}.${level.name}`;
};

export function findDuplicates(text: string): string[] {
  const duplicates = new Set<string>();
  const levels: Level[] = [];
  let last = '';
  for (const [token] of text.matchAll(TOKEN)) {
    const level = levels.at(-1);
    switch (token) {
      case '{': levels.push({ names: new Set(), path: childPath(level), index: 0, name: '' }); break;
      case '[': levels.push({ names: undefined, path: childPath(level), index: 0, name: '' }); break;
      case '}': case ']': levels.pop(); break;
      case ':':
        if (level?.names !== undefined) {
          level.name = String(JSON.parse(last));
          if (level.names.has(level.name)) {
            duplicates.add(`duplicate field ${JSON.stringify(childPath(level))}`);
          }
          level.names.add(level.name);
        }
        break;
      case ',':
        if (level !== undefined) {
          level.index += 1;
        }
        break;
      default: last = token;
    }
    if (duplicates.size === MAX_DUPLICATES) {
      break;
    }
  }
  return [...duplicates];
}
