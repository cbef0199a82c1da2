/**
 * The APIServices at work: those with a Service send their group-version to another server, which is asked for its discovery when anything
 * changes and now and then; the others say what is answered here.
 */
import { setCondition } from '../../apimachinery/conditions.ts';
import type { Log } from '../../apimachinery/log.ts';
import { failure, isStatusError } from '../../apimachinery/status.ts';
import { deepClone, deepEqual } from '../../apimachinery/values.ts';
import { apiService } from '../../kinds/apiregistration/apiservice.ts';
import type { APIService, APIServiceCondition } from '../../kinds/generated/apiregistration.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import type { RemoteVersion } from '../../kinds/registry.ts';
import { typed } from '../../kinds/typed.ts';
import type { AdmissionPlugin } from '../admission/admission.ts';
import type { ExtraGroup } from '../extragroup.ts';
import { APISERVICE_CHECK_MS, APISERVICE_RETRY_MS, MAX_REMOTE_VERSIONS } from '../limits.ts';
import type { RequestInfo, User } from '../types.ts';
import type { Core } from '../verbs/core.ts';
import { updateObject, type WriteContext } from '../verbs/writes.ts';
import { discover, type Discovered } from './check.ts';
import { FrontProxy } from './frontproxy.ts';
import { syncLocal } from './local.ts';
import { passOn, passUpgradeOn, unavailable } from './proxy.ts';
import { locate } from './remote.ts';

const AGGREGATOR: User = { name: 'system:kube-aggregator', groups: ['system:masters', 'system:authenticated'] };
const writeContext = (): WriteContext => ({ user: AGGREGATOR, dryRun: false, warnings: [], options: () => ({ kind: 'UpdateOptions', apiVersion: 'meta.k8s.io/v1' }) });

/** One APIService that leads elsewhere. */
interface Remote {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly spec: APIService['spec'];
  available: boolean;
  discovered: Discovered | undefined;
}

const NOTHING: Discovered = { resources: [], openApiHash: undefined };
const OPENAPI = '/openapi/v3/apis/';

/** `group/version` of a request below `/apis/<group>/<version>`, or of another server's OpenAPI; empty for any other. */
function groupVersionOf(info: RequestInfo): string {
  if (info.isResource) {
    return `${info.group}/${info.version}`;
  }
  const [group = '', version = ''] = info.path.startsWith(OPENAPI) ? info.path.slice(OPENAPI.length).split('/')
    : info.path.startsWith('/apis/') ? info.path.slice('/apis/'.length).split('/') : [];
  return version === '' ? '' : `${group}/${version}`;
}

export class ApiServices implements AdmissionPlugin {
  readonly name = 'APIServices';
  readonly #log: Log;
  readonly #clientCa: string;
  readonly #frontProxy = new FrontProxy();
  readonly #remotes = new Map<string, Remote>();
  #core: Core | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #isClosed = false;

  constructor(log: Log, clientCa: string) {
    this.#log = log;
    this.#clientCa = clientCa;
  }

  async start(core: Core): Promise<void> {
    this.#core = core;
    await this.#frontProxy.publish(core, this.#clientCa, writeContext());
    this.#load();
    await syncLocal(core, apiService, writeContext());
    this.trigger();
  }

  async stop(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  committed(kind: AnyKind): void {
    if (this.#core === undefined) {
      return;
    }
    if (kind === apiService) {
      this.#load();
      this.trigger();
    } else if (this.#remotes.size > 0 && ((kind.group === '' && kind.plural === 'services') || kind.plural === 'endpointslices')) {
      this.trigger();
    }
  }

  /** The module that answers a request, when that is another server. */
  extraOf(info: RequestInfo): ExtraGroup | undefined {
    if (this.#remotes.size === 0) {
      return undefined;
    }
    const remote = this.#remotes.get(groupVersionOf(info));
    return remote === undefined ? undefined : this.#groupOf(remote);
  }

  #groupOf(remote: Remote): ExtraGroup {
    return {
      group: remote.group,
      handle: (call, core) => {
        const found = locate(remote.spec, core.lookup, this.#frontProxy);
        return remote.available && 'options' in found ? passOn(found.options, call) : unavailable;
      },
      upgrade: (call, core, request) => {
        const found = locate(remote.spec, core.lookup, this.#frontProxy);
        if (!remote.available || !('options' in found)) {
          throw failure('ServiceUnavailable', 'service unavailable');
        }
        passUpgradeOn(found.options, call, request);
      },
    };
  }

  /** Which group-versions go elsewhere, synchronously: whoever was told that an APIService is stored finds it followed. */
  #load(): void {
    const core = this.#core;
    if (core === undefined) {
      return;
    }
    const before = new Map(this.#remotes);
    this.#remotes.clear();
    for (const { object } of core.store.list(core.registry.storagePrefix(apiService)).items) {
      const { metadata, spec } = typed('apiregistration.k8s.io/v1 APIService', object);
      const { group = '', version = '' } = spec ?? {};
      if (spec?.service === undefined || this.#isOwn(core, group, version)) {
        continue;
      }
      if (this.#remotes.size >= MAX_REMOTE_VERSIONS) {
        this.#log.warn({ apiservice: metadata.name, limit: MAX_REMOTE_VERSIONS }, 'there are too many APIServices: this one is not followed');
        continue;
      }
      const known = before.get(`${group}/${version}`);
      this.#remotes.set(`${group}/${version}`, known !== undefined && deepEqual(known.spec, spec) ? known
        : { name: metadata.name, group, version, spec, available: false, discovered: undefined });
    }
    this.#publish(core);
  }

  /** What is built in is never given away. */
  #isOwn(core: Core, group: string, version: string): boolean {
    return core.registry.list().some((kind) => kind.group === group && kind.version === version && kind.custom === undefined);
  }

  #publish(core: Core): void {
    const versions = [...this.#remotes.values()].map(({ group, version, discovered = NOTHING, available }): RemoteVersion => ({ group, version, ...discovered, fresh: available }));
    if (!deepEqual(versions, core.registry.remote)) {
      core.registry.setRemoteVersions(versions);
    }
  }

  /** Looks at everything soon: the kinds have changed, or an APIService, or what one depends on. */
  trigger(): void {
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#again && !this.#isClosed) {
        // Something came between the last look and the end.
        this.trigger();
      }
    });
  }

  async #run(): Promise<void> {
    const core = this.#core;
    while (core !== undefined && this.#again && !this.#isClosed) {
      this.#again = false;
      try {
        await syncLocal(core, apiService, writeContext());
        await Promise.all([...this.#remotes.values()].map((remote) => this.#check(core, remote)));
      } catch (error) {
        this.#log.warn({ error: String(error) }, 'the APIServices could not be brought up to date');
      }
      this.#publish(core);
    }
    this.#schedule();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#remotes.size > 0 && !this.#isClosed) {
      const isMissing = [...this.#remotes.values()].some(({ available }) => !available);
      this.#timer = setTimeout(() => this.trigger(), isMissing ? APISERVICE_RETRY_MS : APISERVICE_CHECK_MS).unref();
    }
  }

  async #check(core: Core, remote: Remote): Promise<void> {
    const condition = await this.#condition(core, remote);
    remote.available = condition.status === 'True';
    await this.#store(core, remote.name, condition);
  }

  async #condition(core: Core, remote: Remote): Promise<APIServiceCondition> {
    const found = locate(remote.spec, core.lookup, this.#frontProxy);
    if (!('options' in found)) {
      return { type: 'Available', status: 'False', ...found };
    }
    try {
      remote.discovered = await discover(found.options, remote.group, remote.version);
      return { type: 'Available', status: 'True', reason: 'Passed', message: 'all checks passed' };
    } catch (error) {
      const url = `https://${String(found.options.host)}:${String(found.options.port)}/apis/${remote.group}/${remote.version}`;
      return { type: 'Available', status: 'False', reason: 'FailedDiscoveryCheck', message: `failing or missing response from ${url}: ${error instanceof Error ? error.message : String(error)}` };
    }
  }

  async #store(core: Core, name: string, condition: APIServiceCondition): Promise<void> {
    try {
      await updateObject(core, {
        target: { kind: apiService, namespace: '', name }, scope: { part: 'status' },
        mutate: (current) => {
          const next = typed('apiregistration.k8s.io/v1 APIService', deepClone(current));
          const conditions = next.status?.conditions ?? [];
          setCondition(conditions, condition);
          next.status = { ...next.status, conditions };
          return next;
        },
      }, writeContext());
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) {
        throw error;
      }
    }
  }
}
