/** Admission of connections: exec, attach, port-forward and proxies (`CONNECT`). Plugins see the options that the query says. */
import type { Json, JsonObject } from '../../apimachinery/object.ts';
import type { Call } from '../types.ts';
import type { Core, Target } from '../verbs/core.ts';
import { admitSubresource } from './subresource.ts';

type Read = (call: Call, name: string) => Json | undefined;

const flag: Read = ({ query }, name) => (/^(?:1|t|true)$/i.test(query.get(name) ?? '') ? true : undefined);
const text: Read = ({ query }, name) => query.get(name) || undefined;
const texts: Read = ({ query }, name) => (query.has(name) ? query.getAll(name) : undefined);
const numbers: Read = ({ query }, name) => (query.has(name) ? query.getAll(name).flatMap((list) => list.split(',')).map(Number).filter(Number.isInteger) : undefined);
const rest: Read = ({ info }) => info.rest || undefined;

const STREAM: Readonly<Record<string, Read>> = { stdin: flag, stdout: flag, stderr: flag, tty: flag, container: text };
const PROXY: Readonly<Record<string, Read>> = { path: rest };

/** Fields by kind; a subresource of another kind is no connection. */
const OPTIONS: Readonly<Record<string, Readonly<Record<string, Read>>>> = {
  PodExecOptions: { ...STREAM, command: texts }, PodAttachOptions: STREAM, PodPortForwardOptions: { ports: numbers },
  PodProxyOptions: PROXY, ServiceProxyOptions: PROXY, NodeProxyOptions: PROXY,
};

/** The kind of a connection's options; undefined for subresources that are none. */
export function connectionOf({ kind }: Target, subresource: string): string | undefined {
  const name = kind.subresources?.[subresource]?.kind;
  return kind.group === '' && name !== undefined && Object.hasOwn(OPTIONS, name) ? name : undefined;
}

/** Shows a connection to all plugins. Rejects with their StatusErrors. */
export async function admitConnection(core: Core, call: Call, target: Target, optionsKind: string): Promise<void> {
  const fields = Object.entries(OPTIONS[optionsKind] ?? {}).map(([name, read]): [string, Json | undefined] => [name, read(call, name)]);
  const object: JsonObject = Object.fromEntries(fields.filter((field): field is [string, Json] => field[1] !== undefined));
  await admitSubresource(core.admission, { user: call.user, dryRun: false, warnings: call.warnings }, {
    operation: 'CONNECT', kind: target.kind, namespace: target.namespace, name: target.name, subresource: call.info.subresource, object,
    objectKind: { group: '', version: 'v1', kind: optionsKind },
  });
}
