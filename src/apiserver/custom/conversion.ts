/**
 * Objects of one version shown in another. Stored objects are in the version that was the storage version when they were written;
 * what is older than the last change of a schema is brought to its present shape when it is read.
 */
import { apiVersionOf, type KubeObject } from '../../apimachinery/object.ts';
import type { CustomType, StorageAlias, StoredValue } from '../../kinds/kind.ts';
import { asKubeObject } from '../verbs/body.ts';
import { asDocument } from '../verbs/patch.ts';

/** Asks a webhook for all objects in one version; results in the order given. Rejects with StatusErrors. */
export type Converter = (objects: readonly KubeObject[], apiVersion: string) => Promise<KubeObject[]>;

export interface Versions {
  readonly group: string;
  readonly plural: string;
  /** Name of the storage version. */
  readonly storage: string;
  /** Whether objects of several versions may be stored. */
  readonly several: boolean;
  /** Revision of the last change of any schema: what is older must be looked at. */
  readonly since: number;
  typeOf(version: string): CustomType | undefined;
  /** Absent with the strategy None. */
  readonly convert: Converter | undefined;
}

/** The decoder sees a version's objects only; of JSON values it makes objects. */
const brought = (type: CustomType | undefined, object: KubeObject): KubeObject =>
  (type === undefined ? object : asKubeObject(type.decode(asDocument(object), 'ignore').object));

/** Whether a stored text is of this apiVersion, without parsing it: `decode` puts it first. */
const isOf = ({ json }: StoredValue, prefix: string): boolean => json.startsWith(prefix);

/** How objects of `version` are stored and shown. */
export function storageAlias(version: string, versions: Versions): StorageAlias {
  const { group, plural, storage, several, since, convert } = versions;
  const [own, stored] = [apiVersionOf({ group, version }), apiVersionOf({ group, version: storage })];
  const [ownPrefix, storedPrefix] = [own, stored].map((apiVersion) => `{"apiVersion":${JSON.stringify(apiVersion)},`);
  const relabelled = (object: KubeObject, apiVersion: string): KubeObject => ({ ...object, apiVersion });
  const alias: StorageAlias = {
    group, version: storage, plural,
    encode: (object) => (version === storage ? object : brought(versions.typeOf(storage), relabelled(object, stored))),
    decode: (object) => brought(versions.typeOf(version), relabelled(object, own)),
    isCurrent: (value) => value.revision > since && (!several || isOf(value, ownPrefix ?? '')),
    isStale: (value) => several && !isOf(value, storedPrefix ?? ''),
  };
  if (convert === undefined || !several) {
    return alias;
  }
  const all = async (objects: readonly KubeObject[], apiVersion: string, to: string): Promise<KubeObject[]> => {
    const foreign = objects.filter((object) => object.apiVersion !== apiVersion);
    const converted = foreign.length === 0 ? [] : await convert(foreign, apiVersion);
    const results = new Map(foreign.map((object, index) => [object, converted[index] ?? object]));
    return objects.map((object) => brought(versions.typeOf(to), results.get(object) ?? object));
  };
  return {
    ...alias,
    remote: {
      encode: (objects) => (version === storage ? Promise.resolve([...objects]) : all(objects, stored, storage)),
      decode: (objects) => all(objects, own, version),
    },
  };
}
