/** Prometheus' text format (version 0.0.4). */

export type Labels = Readonly<Record<string, string>>;

const escape = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

const labelText = (labels: Labels): string => Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`).join(',');

export interface Histogram {
  /** Upper bounds, rising. */
  readonly bounds: readonly number[];
  /** How many fell between a bound and the one before; one more for those beyond the last. */
  readonly counts: readonly number[];
  readonly sum: number;
}

export class Exposition {
  readonly #lines: string[] = [];

  family(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): void {
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  }

  sample(name: string, labels: Labels, value: number): void {
    this.#lines.push(`${name}{${labelText(labels)}} ${value}`);
  }

  single(name: string, type: 'counter' | 'gauge', help: string, value: number): void {
    this.family(name, type, help);
    this.#lines.push(`${name} ${value}`);
  }

  /** Nothing for one that has counted nothing. */
  histogram(name: string, labels: Labels, { bounds, counts, sum }: Histogram): void {
    const total = counts.reduce((all, count) => all + count, 0);
    if (total === 0) {
      return;
    }
    const text = labelText(labels);
    let below = 0;
    for (const [index, bound] of bounds.entries()) {
      below += counts[index] ?? 0;
      this.#lines.push(`${name}_bucket{${text},le="${bound}"} ${below}`);
    }
    this.#lines.push(`${name}_bucket{${text},le="+Inf"} ${total}`, `${name}_sum{${text}} ${sum}`, `${name}_count{${text}} ${total}`);
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}
