/** Places in a document as field paths write them; the text is made only when an error needs it. */

export interface Place {
  readonly parent: Place | undefined;
  /** `.name`, `[key]` or `[0]`, as it is appended. */
  readonly step: string;
}

export const rootPlace = (text: string): Place => ({ parent: undefined, step: text });
export const child = (parent: Place, name: string): Place => ({ parent, step: `.${name}` });
export const keyed = (parent: Place, key: string | number): Place => ({ parent, step: `[${key}]` });

/** `spec.versions[0].schema.openAPIV3Schema.properties[spec]`. */
export function placeText(place: Place): string {
  const steps: string[] = [];
  for (let at: Place | undefined = place; at !== undefined; at = at.parent) {
    steps.push(at.step);
  }
  return steps.reverse().join('');
}
