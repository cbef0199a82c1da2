/** Every function an expression can call. Add a library: a file that exports its overloads, and a line here. */
import { FunctionTable } from '../functions.ts';
import { overload, type Overload } from '../overload.ts';
import type { ObjectType } from '../types.ts';
import { arithmetic } from './arithmetic.ts';
import { comparison } from './comparison.ts';
import { conversions } from './conversions.ts';
import { lists } from './lists.ts';
import { optionals } from './optionals.ts';
import { strings } from './strings.ts';
import { times } from './times.ts';

const ALL: readonly Overload[] = [
  ...arithmetic, ...comparison, ...conversions, ...strings, ...times, ...lists, ...optionals,
];

export const FUNCTIONS = new FunctionTable(ALL);

/** Types every expression may construct. */
export function structOf(_name: string): ObjectType | undefined {
  return undefined;
}
export { overload };
