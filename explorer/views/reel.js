// One run as the browser holds it: its frames, which come in chunks, its curves, and its step on view.

// A table of numbers, one row a step.
const table = (buffer, steps) => {
  const values = floats(buffer);
  return { values, width: values.length / steps };
};
const row = ({ values, width }, step) => values.subarray((step - 1) * width, step * width);

class Reel {
  // `told` is an entry of the spec's reels; see spec.py.
  constructor(told) {
    this.frames = Array(told.labels.length).fill(null);
    this.step = 0;
    this.tell(told);
  }

  // Take over what is told anew of the same frames.
  tell(told) {
    Object.assign(this, told);
    this.curves = {};
    for (const [kind, tables] of Object.entries(told.curves)) {
      this.curves[kind] = {};
      for (const [name, buffer] of Object.entries(tables)) {
        this.curves[kind][name] = name === 'x' ? floats(buffer) : table(buffer, told.labels.length);
      }
    }
  }

  get label() { return this.step ? this.labels[this.step - 1] : 'no steps yet'; }

  // Scale of x_t at a step: one for all of them, or one each.
  scale(step = this.step) { return this.scales[Math.min(step || 1, this.scales.length) - 1]; }

  // State (0) or estimate (1) at a step, null while it has not come.
  levels(kind, step = this.step) { return this.frames[step - 1]?.[kind] ?? null; }

  // Where to ask from for frames that are missing: those at the present step first; -1 for none.
  missing() {
    const isHere = !this.step || this.frames[this.step - 1];
    const first = isHere ? this.frames.indexOf(null) : this.step - 1;
    return first < 0 ? -1 : first - first % this.chunk;
  }

  receive(start, frames) {
    const bytes = new Uint8Array(frames), area = this.shape[0] * this.shape[1];
    for (let i = 0; 2 * area * i < bytes.length; i++) {
      const at = 2 * area * i;
      this.frames[start + i] = [bytes.subarray(at, at + area), bytes.subarray(at + area, at + 2 * area)];
    }
  }
}
