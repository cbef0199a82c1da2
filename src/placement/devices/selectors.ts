/** CEL expressions that choose devices (resource.k8s.io): compiled once, answered once for each device. */
import { compile } from '../../apimachinery/cel/compile.ts';
import { BOOL, CelMap, CostBudget, DYN, mapOf, objectType, PER_CALL_COST_LIMIT, STRING, type CelProgram, type CelValue } from '../../apimachinery/cel/index.ts';
import type { Device, DeviceAttribute } from '../../kinds/generated/resource.ts';

const DEVICE = objectType('kubernetes.DRADevice', {
  driver: STRING, attributes: mapOf(STRING, mapOf(STRING, DYN)), capacity: mapOf(STRING, mapOf(STRING, DYN)), allowMultipleAllocations: BOOL,
});
/** Expressions that are kept compiled; beyond these all are forgotten. */
const MAX_PROGRAMS = 1_000;

/** The expression is none, or failed on a device. The message names it. */
export class SelectorError extends Error { override name = 'SelectorError'; }

class Entries extends CelMap {
  readonly #entries: ReadonlyMap<string, CelValue>;
  /** What is answered for other keys: domains nobody has attributes of are empty, not errors. */
  readonly #otherwise: CelValue | undefined;

  constructor(entries: ReadonlyMap<string, CelValue>, otherwise?: CelValue) {
    super();
    this.#entries = entries;
    this.#otherwise = otherwise;
  }

  get size(): number { return this.#entries.size; }
  get(key: CelValue): CelValue | undefined { return typeof key === 'string' ? this.#entries.get(key) ?? this.#otherwise : undefined; }
  keys(): Iterable<CelValue> { return this.#entries.keys(); }
}

const EMPTY = new Entries(new Map());

/** Versions and quantities are made by CEL's own functions. */
const makers = new Map<string, CelProgram>();
function made(name: 'semver' | 'quantity', text: string): CelValue {
  let program = makers.get(name);
  if (program === undefined) {
    program = compile(`${name}(text)`, { variables: { text: STRING } });
    makers.set(name, program);
  }
  return program.evaluate({ text }, new CostBudget(PER_CALL_COST_LIMIT));
}

function attributeValue({ int, bool, string, version }: DeviceAttribute): CelValue {
  if (int !== undefined) {
    return BigInt(int);
  }
  return bool ?? string ?? (version === undefined ? null : made('semver', version));
}

/** By domain, then by name within it. */
function byDomain(names: Iterable<readonly [string, CelValue]>, driver: string): CelMap {
  const domains = new Map<string, Map<string, CelValue>>();
  for (const [name, value] of names) {
    const slash = name.indexOf('/');
    const domain = slash < 0 ? driver : name.slice(0, slash);
    const members = domains.get(domain) ?? new Map<string, CelValue>();
    members.set(name.slice(slash + 1), value);
    domains.set(domain, members);
  }
  return new Entries(new Map([...domains].map(([domain, members]) => [domain, new Entries(members)])), EMPTY);
}

/** A device as expressions see it. */
export class SelectableDevice {
  readonly #driver: string;
  readonly #device: Device;
  #binding: Record<string, unknown> | undefined;
  readonly #answers = new Map<CelProgram, boolean>();

  constructor(driver: string, device: Device) {
    this.#driver = driver;
    this.#device = device;
  }

  /** Throws SelectorError when the expression fails on this device. */
  matches(program: CelProgram): boolean {
    const known = this.#answers.get(program);
    if (known !== undefined) {
      return known;
    }
    const { name, attributes = {}, capacity = {}, allowMultipleAllocations = false } = this.#device;
    this.#binding ??= {
      driver: this.#driver, allowMultipleAllocations,
      attributes: byDomain(Object.entries(attributes).map(([key, value]) => [key, attributeValue(value)] as const), this.#driver),
      capacity: byDomain(Object.entries(capacity).map(([key, { value }]) => [key, made('quantity', value)] as const), this.#driver),
    };
    try {
      const answer = program.evaluate({ device: this.#binding }, new CostBudget(PER_CALL_COST_LIMIT)) === true;
      if (this.#answers.size >= MAX_PROGRAMS) {
        this.#answers.clear();
      }
      this.#answers.set(program, answer);
      return answer;
    } catch (error) {
      throw new SelectorError(`selector ${JSON.stringify(program.source)} failed on device ${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
}

const programs = new Map<string, CelProgram>();

/** Throws SelectorError for what does not compile. */
export function selectorProgram(expression: string): CelProgram {
  const known = programs.get(expression);
  if (known !== undefined) {
    return known;
  }
  try {
    const program = compile(expression, { variables: { device: DEVICE }, expected: [BOOL] });
    if (programs.size >= MAX_PROGRAMS) {
      programs.clear();
    }
    programs.set(expression, program);
    return program;
  } catch (error) {
    throw new SelectorError(`selector ${JSON.stringify(expression)} does not compile: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
