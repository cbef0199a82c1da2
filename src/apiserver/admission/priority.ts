/** Pods say how important they are by the name of a PriorityClass; what counts is the number the class had when they were made. */
import type { KubeObject } from '../../apimachinery/object.ts';
import { forbidden } from '../../apimachinery/status.ts';
import type { PriorityClass } from '../../kinds/generated/scheduling.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';
import { typed } from '../../kinds/typed.ts';

const PREEMPTS = 'PreemptLowerPriority';
const POD = { group: '', resource: 'pods' };
const CLASS = { group: 'scheduling.k8s.io', resource: 'priorityclasses' };

const asClass = (object: KubeObject | undefined): PriorityClass | undefined =>
  (object === undefined ? undefined : typed('scheduling.k8s.io/v1 PriorityClass', object));

export interface PriorityOptions {
  classOf(name: string): KubeObject | undefined;
  /** All priority classes. */
  classes(): readonly KubeObject[];
}

const defaults = (options: PriorityOptions): PriorityClass[] =>
  options.classes().map((object) => typed('scheduling.k8s.io/v1 PriorityClass', object)).filter(({ globalDefault }) => globalDefault === true);

function admitPod(options: PriorityOptions, { object, name: podName }: AdmissionRequest): void {
  if (object === undefined) {
    return;
  }
  const { spec } = typed('v1 Pod', object);
  const refuse = (why: string): Error => forbidden({ ...POD, name: podName }, why);
  const name = spec.priorityClassName ?? '';
  // Of several defaults the least important one counts.
  const found = name === '' ? defaults(options).sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0] : asClass(options.classOf(name));
  if (name !== '' && found === undefined) {
    throw refuse(`no PriorityClass with name ${name} was found`);
  }
  const priority = found?.value ?? 0;
  const policy = found?.preemptionPolicy ?? PREEMPTS;
  if (spec.priority !== undefined && spec.priority !== priority) {
    throw refuse(`the integer value of priority (${spec.priority}) must not be provided in pod spec; `
      + `priority admission controller computed ${priority} from the given PriorityClass name`);
  }
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
    throw refuse(`the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; `
      + `priority admission controller computed ${policy} from the given PriorityClass name`);
  }
  if (found !== undefined) {
    spec.priorityClassName = found.metadata.name;
  }
  spec.priority = priority;
  spec.preemptionPolicy = policy;
}

/** Clients that write a pod back without the numbers do not change them. */
function keepNumbers({ object, old }: AdmissionRequest): void {
  if (object === undefined || old === undefined) {
    return;
  }
  const [{ spec }, { spec: before }] = [typed('v1 Pod', object), typed('v1 Pod', old)];
  if (spec.priority === undefined && before.priority !== undefined) {
    spec.priority = before.priority;
  }
  if (spec.preemptionPolicy === undefined && before.preemptionPolicy !== undefined) {
    spec.preemptionPolicy = before.preemptionPolicy;
  }
}

function checkClass(options: PriorityOptions, { object, name }: AdmissionRequest): void {
  if (asClass(object)?.globalDefault !== true) {
    return;
  }
  const other = defaults(options).find(({ metadata }) => metadata.name !== name);
  if (other !== undefined) {
    throw forbidden({ ...CLASS, name }, `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`);
  }
}

export function podPriority(options: PriorityOptions): AdmissionPlugin {
  return {
    name: 'Priority',
    admit(request): void {
      const { operation, kind, subresource } = request;
      if (kind.group !== '' || kind.plural !== 'pods' || subresource !== '') {
        return;
      }
      if (operation === 'CREATE') {
        admitPod(options, request);
      } else if (operation === 'UPDATE') {
        keepNumbers(request);
      }
    },
    validate(request): void {
      const { operation, kind, subresource } = request;
      if (kind.group === CLASS.group && kind.plural === CLASS.resource && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE')) {
        checkClass(options, request);
      }
    },
  };
}
