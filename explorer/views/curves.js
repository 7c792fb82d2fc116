// Curves of a step beside its maps: radial profile, power spectrum, and the error of all steps.
// Tables and axes are those of panels.py; what has no value in a table is NaN and not drawn.

const CURVES = [
  ['profile', 'Profile', 'Radial profile at this step'],
  ['spectrum', 'Power', 'Power spectrum at this step'],
  ['error', 'Error', 'Error of the estimate at all steps'],
];

const floats = buffer => new Float32Array(buffer);

// How far along an axis a value lies, from 0 to 1.
function along({ low, high, log }, value) {
  return log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
}

class CurvePlot {
  constructor(pane, kind, changed) {
    this.canvas = pane.querySelector('canvas');
    this.kinds = new Segments(pane.querySelector('.segments'), CURVES, kind, changed);
  }

  arrange(size, style, curves) {
    Object.assign(this, { size, style, curves });
    [this.width, this.height] = [size + 2 * style.gap, TITLE_HEIGHT + size + 92];
    this.context = fit(this.canvas, this.width, this.height);
    // Tick labels stand in the gap, which this canvas has at its left, and a little more.
    this.left = style.gap + 26;
    this.right = style.gap + size;
    this.truth = {};
    for (const [kind, { truth }] of Object.entries(curves)) {
      this.truth[kind] = truth && { x: floats(truth.x), main: floats(truth.main) };
    }
  }

  // Draw the curves of reels at their steps; `axis` is that of the scrubber, at `place` from 0 to 1.
  draw(reels, axis, place) {
    const kind = this.kinds.value, spec = this.curves[kind], top = TITLE_HEIGHT;
    const bottom = TITLE_HEIGHT + this.size + 42, cut = top + 0.66 * (bottom - top);
    this.context.clearRect(0, 0, this.width, this.height);
    this.upper = [top, spec.below ? cut : bottom];
    this.lower = [spec.below ? cut + 12 : bottom, bottom];
    this.frame(this.upper, spec.y.ticks.map(([value, words]) => [this.y(spec.y, value), words]));
    if (kind === 'error') this.drawErrors(reels, spec, axis, place);
    else this.drawStep(reels, spec, kind);
    this.name(spec.y.words);
    this.canvas.setAttribute('aria-label', `${spec.title}: ${reels[0] ? reels[0].label : 'no steps yet'}`);
  }

  x(share) { return this.left + (this.right - this.left) * share; }
  y(axis, value) { return this.upper[1] - (this.upper[1] - this.upper[0]) * along(axis, value); }

  drawStep(reels, spec, kind) {
    const { style } = this, [low, high] = this.lower, mid = (low + high) / 2, { limit } = spec.below;
    const dex = value => mid - (high - low) / 2 * value / limit;
    const curve = (x, values, f) => Array.from(values, (v, i) => [this.x(along(spec.x, x[i])), f(v)]);
    const main = value => this.y(spec.y, value), truth = this.truth[kind];
    this.frame(this.lower, [-limit, 0, limit].map(value => [dex(value), plain(value)]));
    this.mark(spec.x.ticks.map(([value, words]) => [along(spec.x, value), words]), spec.x.words);
    this.within(this.upper, () => {
      if (truth) line(this.context, style.text, curve(truth.x, truth.main, main), { width: 1.5 });
      for (const { step, curves, pen } of reels) if (step && curves[kind].state) {
        line(this.context, style.muted, curve(curves[kind].x, row(curves[kind].state, step), main), { dash: pen.dash });
      }
      for (const { step, curves, pen } of reels) {
        if (step) line(this.context, pen.color, curve(curves[kind].x, row(curves[kind].main, step), main), pen);
      }
    });
    this.within(this.lower, () => {
      line(this.context, style.muted, [[this.left, mid], [this.right, mid]], { dash: [2, 3] });
      for (const { step, curves, pen } of reels) {
        if (step) line(this.context, pen.color, curve(curves[kind].x, row(curves[kind].below, step), dex), pen);
      }
    });
    write(this.context, style, spec.below.words, this.right - 5, low + 13, { align: 'right' });
    const others = kind === 'spectrum' ? [['xₜ', { color: style.muted }]] : [];
    this.legend([...reels.map(reel => [reel.tag || 'estimate', reel.pen]),
                 ['truth', { color: style.text, width: 1.5 }], ...others]);
  }

  drawErrors(reels, spec, axis, place) {
    const { context, style } = this;
    this.mark(axis.ticks, axis.words);
    this.within(this.upper, () => {
      line(context, style.muted, [[this.x(place), this.upper[0]], [this.x(place), this.upper[1]]], { dash: [2, 3] });
      for (const { curves: { error }, places, pen } of reels) {
        line(context, pen.color, Array.from(error.main.values, (v, i) =>
          [this.x(places[axis.name][i]), this.y(spec.y, v)]), pen);
      }
      for (const { curves: { error }, places, pen, step } of reels) if (step) {
        context.fillStyle = pen.color;
        context.beginPath();
        context.arc(this.x(places[axis.name][step - 1]), this.y(spec.y, error.main.values[step - 1]), 4, 0, 7);
        context.fill();
      }
    });
    const now = reels.map(({ tag, pen, step, curves }) => {
      const value = step ? curves.error.main.values[step - 1] : NaN;
      return [`${tag || 'estimate'} ${isFinite(value) ? value.toFixed(3) : ''}`.trim(), pen];
    });
    if (spec.nothing) write(context, style, spec.nothing, this.x(0.5), (this.upper[0] + this.upper[1]) / 2);
    else this.legend(now);
  }

  frame([top, bottom], ticks) {
    const { context, style, left, right } = this;
    context.fillStyle = style.inset;
    context.fillRect(left, top, right - left, bottom - top);
    for (const [y, words] of ticks) {
      line(context, style.line, [[left, y], [right, y]]);
      write(context, style, words, left - 5, y + 4, { align: 'right' });
    }
    line(context, style.line, [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]);
  }

  // Words of the vertical axis, inside the frame, where curves may pass.
  name(words) {
    const { context, style, left, upper: [, bottom] } = this;
    context.font = `11px ${style.font}`;
    context.globalAlpha = 0.75;
    context.fillStyle = style.inset;
    context.fillRect(left + 3, bottom - 20, context.measureText(words).width + 7, 17);
    context.globalAlpha = 1;
    write(context, style, words, left + 6, bottom - 8, { align: 'left' });
  }

  // Ticks and words of the horizontal axis.
  mark(ticks, words) {
    const { context, style } = this, bottom = this.lower[1];
    for (const [share, label] of ticks) {
      line(context, style.muted, [[this.x(share), bottom], [this.x(share), bottom + 5]]);
      write(context, style, label, this.x(share), bottom + 18);
    }
    write(context, style, words, (this.left + this.right) / 2, bottom + 35, { size: 12, color: style.text });
  }

  within([top, bottom], draw) {
    this.context.save();
    this.context.beginPath();
    this.context.rect(this.left, top, this.right - this.left, bottom - top);
    this.context.clip();
    draw();
    this.context.restore();
  }

  legend(entries) {
    const { context, style, right } = this, y = this.upper[0] + 14;
    entries.forEach(([words, pen], i) => {
      write(context, style, words, right - 8, y + 15 * i, { align: 'right', color: style.text });
      const end = right - 14 - context.measureText(words).width;
      line(context, pen.color, [[end - 18, y + 15 * i - 4], [end, y + 15 * i - 4]], pen);
    });
  }
}
