/** Every function an expression can call. Add a library: a file that exports its overloads, and a line here. */
import { FunctionTable } from '../functions.ts';
import type { Overload } from '../overload.ts';
import type { ObjectType } from '../types.ts';
import { addresses } from './addresses.ts';
import { arithmetic } from './arithmetic.ts';
import { authorization } from './authorization.ts';
import { comparison } from './comparison.ts';
import { conversions } from './conversions.ts';
import { formats } from './formats.ts';
import { JSON_PATCH, jsonPatches } from './jsonpatch.ts';
import { listExtension } from './listextension.ts';
import { lists } from './lists.ts';
import { optionals } from './optionals.ts';
import { quantities } from './quantities.ts';
import { semvers } from './semver.ts';
import { strings } from './strings.ts';
import { times } from './times.ts';
import { urls } from './urls.ts';

const ALL: readonly Overload[] = [
  ...arithmetic, ...comparison, ...conversions, ...strings, ...times, ...lists, ...listExtension, ...optionals,
  ...quantities, ...urls, ...addresses, ...formats, ...authorization, ...semvers, ...jsonPatches,
];

export const FUNCTIONS = new FunctionTable(ALL);

/** Types every expression may construct. */
export const structOf = (name: string): ObjectType | undefined => (name === JSON_PATCH.name ? JSON_PATCH : undefined);
