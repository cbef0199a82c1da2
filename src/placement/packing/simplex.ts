/** A small linear programme: maximise `c·x` under `A·x ≤ b`, `x ≥ 0`, where `b ≥ 0`, so that x = 0 is where to begin. */

const EPSILON = 1e-9;
/** The steepest column is quick but may cycle; after so many steps Bland's rule, which cannot, takes over. */
const STEEP_STEPS = 1_000;
const MAX_STEPS = 20_000;

/** The best x. Throws when it has none (unbounded). */
export function maximise(c: readonly number[], rows: readonly (readonly number[])[], b: readonly number[]): number[] {
  const [n, m] = [c.length, rows.length];
  const width = n + m + 1;
  const table = rows.map((row, index) => {
    const line = new Float64Array(width);
    line.set(row);
    line[n + index] = 1;
    line[width - 1] = b[index] ?? 0;
    return line;
  });
  const cost = new Float64Array(width);
  c.forEach((value, index) => { cost[index] = -value; });
  const basis = rows.map((_, index) => n + index);
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const entering = step < STEEP_STEPS ? steepest(cost) : cost.subarray(0, width - 1).findIndex((value) => value < -EPSILON);
    if (entering < 0) {
      const x = c.map(() => 0);
      basis.forEach((variable, index) => {
        if (variable < n) {
          x[variable] = table[index]?.[width - 1] ?? 0;
        }
      });
      return x;
    }
    pivot(table, cost, basis, entering);
  }
  throw new Error('a linear programme did not end');
}

/** The column whose cost falls most; -1 when none does. */
function steepest(cost: Float64Array): number {
  let [best, least] = [-1, -EPSILON];
  for (let column = 0; column < cost.length - 1; column += 1) {
    const value = cost[column] ?? 0;
    if (value < least) {
      [best, least] = [column, value];
    }
  }
  return best;
}

/** By Bland's rule: of equally tight rows the one whose variable comes first, so that nothing cycles. */
function leavingRow(table: readonly Float64Array[], basis: readonly number[], entering: number): number {
  let [best, tightest] = [-1, Number.POSITIVE_INFINITY];
  table.forEach((line, index) => {
    const by = line[entering] ?? 0;
    if (by <= EPSILON) {
      return;
    }
    const ratio = (line[line.length - 1] ?? 0) / by;
    if (ratio < tightest - EPSILON || (ratio < tightest + EPSILON && (basis[index] ?? 0) < (basis[best] ?? Number.POSITIVE_INFINITY))) {
      [best, tightest] = [index, Math.min(ratio, tightest)];
    }
  });
  return best;
}

function pivot(table: readonly Float64Array[], cost: Float64Array, basis: number[], entering: number): void {
  const leaving = leavingRow(table, basis, entering);
  const line = table[leaving];
  if (line === undefined) {
    throw new Error('a linear programme has no end: nothing bounds it');
  }
  const by = line[entering] ?? 1;
  for (let column = 0; column < line.length; column += 1) {
    line[column] = (line[column] ?? 0) / by;
  }
  for (const other of [...table, cost]) {
    const factor = other === line ? 0 : other[entering] ?? 0;
    if (factor !== 0) {
      for (let column = 0; column < other.length; column += 1) {
        other[column] = (other[column] ?? 0) - factor * (line[column] ?? 0);
      }
    }
  }
  basis[leaving] = entering;
}
