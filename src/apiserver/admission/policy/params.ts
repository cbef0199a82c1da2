/** The parameters a binding gives its policy. */
import { matchesLabels, selectorFromObject } from '../../../apimachinery/selectors.ts';
import { parseApiVersion, type KubeObject } from '../../../apimachinery/object.ts';
import type { ParamKind, ParamRef } from '../../../kinds/generated/admissionregistration.ts';
import type { AnyKind } from '../../../kinds/kind.ts';
import type { ResourcePath } from '../../lookup.ts';
import type { Matching } from './match.ts';

/** The binding is configured wrongly for this request. */
export class ParamsError extends Error { override name = 'ParamsError'; }

const kindShown = ({ apiVersion = '', kind = '' }: ParamKind): string => `&ParamKind{APIVersion:${apiVersion},Kind:${kind},}`;

function kindOf({ registry }: Matching, paramKind: ParamKind): AnyKind {
  const { group, version } = parseApiVersion(paramKind.apiVersion ?? '');
  const kind = registry.byKind(group, version, paramKind.kind ?? '');
  if (kind === undefined) {
    throw new ParamsError(`failed to find resource referenced by paramKind: '${group === '' ? '' : `${group}/`}${version}, Kind=${paramKind.kind ?? ''}'`);
  }
  return kind;
}

/** The namespace to look in; empty for cluster-scoped parameters. */
function namespaceFor(kind: AnyKind, ref: ParamRef, namespace: string): string {
  if (!kind.namespaced) {
    if (ref.namespace !== undefined && ref.namespace !== '') {
      throw new ParamsError('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
    }
    return '';
  }
  const wanted = ref.namespace === undefined || ref.namespace === '' ? namespace : ref.namespace;
  if (wanted === '') {
    throw new ParamsError('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources');
  }
  return wanted;
}

/** Objects are found as they are stored, and shown in the version the policy names. */
function shown(matching: Matching, kind: AnyKind, stored: KubeObject): KubeObject {
  return kind.storedAs === undefined || matching.registry.storageKind(kind) === kind || kind.storedAs.remote !== undefined ? stored : kind.storedAs.decode(stored);
}

/**
 * The parameters for a request in `namespace`: one evaluation each. `[undefined]` where the policy takes none or the binding gives none; empty when none was
 * found and the binding allows that. Throws ParamsError.
 */
export function paramsOf(matching: Matching, paramKind: ParamKind | undefined, ref: ParamRef | undefined, namespace: string): readonly (KubeObject | undefined)[] {
  if (paramKind === undefined || ref === undefined) {
    return [undefined];
  }
  const kind = kindOf(matching, paramKind);
  if (matching.registry.byResource(kind.group, kind.version, kind.plural) === undefined) {
    throw new ParamsError(`paramKind kind \`${kindShown(paramKind)}\` not known`);
  }
  const place = namespaceFor(kind, ref, namespace);
  const path: ResourcePath = [kind.group, kind.version, kind.plural];
  const found: KubeObject[] = [];
  if (ref.name !== undefined && ref.name !== '') {
    const one = matching.lookup.get(path, place, ref.name);
    found.push(...(one === undefined ? [] : [one]));
  } else {
    const selector = selectorFromObject(ref.selector);
    found.push(...matching.lookup.list(path, place).filter((one) => matchesLabels(selector, one.metadata.labels)));
  }
  if (found.length === 0 && ref.parameterNotFoundAction === 'Deny') {
    throw new ParamsError('no params found for policy binding with `Deny` parameterNotFoundAction');
  }
  return found.map((one) => shown(matching, kind, one));
}
