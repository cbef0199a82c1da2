/** The name under which a write owns fields: what the client says, or else who it is. */
import { MAX_MANAGERS } from '../../apimachinery/apply/managers.ts';
import type { ManagedFieldsEntry } from '../../apimachinery/object.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import type { Call } from '../types.ts';

/** Longest name of a manager, bytes. */
export const MAX_FIELD_MANAGER_BYTES = 128;
/** Longest name of a subresource in an entry, bytes. */
const MAX_SUBRESOURCE_BYTES = 256;
/** Names kept of user agents; clients are a handful of programs. */
const MAX_CACHED_AGENTS = 256;
/** Characters of a User-Agent that are looked at; no program's name is longer. */
const MAX_AGENT_CHARS = 512;

const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** Most names: nothing more needs to be looked at. */
const PLAIN = /^[\x20-\x7e]{0,128}$/;

const prefixes = new Map<string, string>();

function prefixOf(agent: string): string {
  let prefix = '';
  for (const character of agent.split('/', 1)[0] ?? '') {
    if (PRINTABLE.test(character)) {
      if (Buffer.byteLength(prefix) + Buffer.byteLength(character) > MAX_FIELD_MANAGER_BYTES) {
        break;
      }
      prefix += character;
    }
  }
  return prefix;
}

/** What stands before the first slash of a User-Agent, bounded and printable; `unknown` for a client that names itself not at all. */
function agentName(header: string): string {
  const agent = header.length > MAX_AGENT_CHARS ? header.slice(0, MAX_AGENT_CHARS) : header;
  let prefix = prefixes.get(agent);
  if (prefix === undefined) {
    prefix = prefixOf(agent);
    if (prefixes.size >= MAX_CACHED_AGENTS) {
      prefixes.clear();
    }
    prefixes.set(agent, prefix);
  }
  return prefix === '' ? 'unknown' : prefix;
}

/** In process there is no User-Agent: the user says which of Kubernetes' components writes. Its controllers write by accounts of their own. */
export function componentName(user: string): string {
  if (user === 'system:apiserver') {
    return 'kube-apiserver';
  }
  if (user.startsWith('system:serviceaccount:')) {
    return 'kube-controller-manager';
  }
  return user.startsWith('system:node:') ? 'kubelet' : user.slice(user.lastIndexOf(':') + 1);
}

/** The manager of a write that is no application. `fieldManager` is the query's, empty when there is none. */
export function updaterOf(call: Pick<Call, 'http' | 'user'>, fieldManager: string): string {
  if (fieldManager !== '') {
    return fieldManager;
  }
  return call.http === undefined ? componentName(call.user.name) : agentName(call.http.req.headers['user-agent'] ?? '');
}

/** What is wrong with the entries a client wrote itself, beyond what makes them unreadable: those are passed over. */
export function managedFieldsErrors(entries: readonly ManagedFieldsEntry[]): FieldError[] {
  if (entries.length > MAX_MANAGERS) {
    return [fieldError.tooMany('metadata.managedFields', entries.length, MAX_MANAGERS)];
  }
  return entries.flatMap(({ manager = '', subresource = '' }, index) => [
    ...fieldManagerErrors(manager, `metadata.managedFields[${index}].manager`),
    ...(Buffer.byteLength(subresource) > MAX_SUBRESOURCE_BYTES ? [fieldError.tooLong(`metadata.managedFields[${index}].subresource`, MAX_SUBRESOURCE_BYTES)] : []),
  ]);
}

/** What is wrong with a manager's name, at `field`. */
export function fieldManagerErrors(name: string, field: string): FieldError[] {
  if (PLAIN.test(name)) {
    return [];
  }
  const errors = Buffer.byteLength(name) > MAX_FIELD_MANAGER_BYTES ? [fieldError.tooLong(field, MAX_FIELD_MANAGER_BYTES)] : [];
  let position = 0;
  for (const character of name) {
    if (!PRINTABLE.test(character)) {
      const point = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
      errors.push(fieldError.invalid(field, name, `invalid character U+${point} (at position ${position})`));
    }
    position += Buffer.byteLength(character);
  }
  return errors;
}
