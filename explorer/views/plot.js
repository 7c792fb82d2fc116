// Drawing on a canvas: maps with axes and color bars, and profiles. Lengths are CSS pixels.

const TITLE_HEIGHT = 24;

// Give a canvas its size on a screen of any density; return its context.
function fit(canvas, width, height) {
  const density = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d');
  context.setTransform(density, 0, 0, density, 0, 0);
  return context;
}

// Round numbers between two, about `most` of them.
function roundTicks(low, high, most) {
  const raw = (high - low) / most, power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find(m => m * power > 0.999 * raw);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-6); i * step <= high + 1e-6 * step; i++) ticks.push(i * step);
  return ticks;
}

function plain(value) {
  return String(Math.round(value * 1e6) / 1e6).replace('-', '\u2212');
}

function write(context, style, text, x, y,
               { align = 'center', size = 11, color = style.muted, bold } = {}) {
  context.font = `${bold ? 'bold ' : ''}${size}px ${style.font}`;
  context.textAlign = align;
  context.fillStyle = color;
  context.fillText(text, x, y);
}

function line(context, color, points, { width = 1, dash = [] } = {}) {
  context.strokeStyle = color;
  context.lineWidth = width;
  context.setLineDash(dash);
  context.beginPath();
  let pen = false; // lifted where there is no value
  for (const [x, y] of points) {
    const drawn = Number.isFinite(x) && Number.isFinite(y);
    if (drawn) pen ? context.lineTo(x, y) : context.moveTo(x, y);
    pen = drawn;
  }
  context.stroke();
}

// Colors by level as pixels of an ImageData: 0 is no data, 1 to 255 the palette from end to end.
function lookup(palette, noData) {
  const rgb = hex => [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16));
  const bytes = new Uint8Array(4 * 256);
  for (let level = 0; level < 256; level++) {
    const color = level ? palette[Math.round((level - 1) / 254 * (palette.length - 1))] : noData;
    bytes.set([...rgb(color), 255], 4 * level);
  }
  return new Uint32Array(bytes.buffer);
}

// Levels with row 0 at the bottom, as all our maps, onto a canvas, whose row 0 is on top.
class Raster {
  constructor(canvas) {
    this.canvas = canvas || document.createElement('canvas');
  }

  paint(levels, [height, width], colors) {
    if (this.canvas.width !== width || this.canvas.height !== height || !this.image) {
      Object.assign(this.canvas, { width, height });
      this.context = this.canvas.getContext('2d');
      this.image = this.context.createImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    for (let row = 0; row < height; row++) {
      const to = (height - 1 - row) * width, from = row * width;
      for (let i = 0; i < width; i++) this.pixels[to + i] = colors[levels[from + i]];
    }
    this.context.putImageData(this.image, 0, 0);
  }
}

// A map in a square frame, with axes in kpc, a scale bar and a color bar.
class MapPlot {
  constructor(canvas, isFirst) {
    this.canvas = canvas;
    this.isFirst = isFirst;
    this.raster = new Raster();
  }

  // Take the side of the frame; `spec` has title, palette, limits, ticks, bar; see steps.py.
  arrange(size, style, spec) {
    this.size = size;
    this.style = style;
    this.spec = spec;
    this.left = this.isFirst ? style.marginLeft : style.gap / 2;
    this.top = TITLE_HEIGHT;
    this.width = this.left + size + style.gap / 2;
    this.context = fit(this.canvas, this.width, this.top + size + 92);
    this.colors = lookup(spec.palette, style.noData);
    write(this.context, style, spec.title, this.left, 15,
      { align: 'left', size: 13, color: style.text, bold: true });
    write(this.context, style, spec.bar, this.left, this.top + size + 55,
      { align: 'left', size: 12, color: style.text });
    const strip = this.context.createLinearGradient(this.left, 0, this.left + size, 0);
    spec.palette.forEach((c, i, all) => strip.addColorStop(i / (all.length - 1), c));
    this.context.fillStyle = strip;
    this.context.fillRect(this.left, this.top + size + 61, size, 9);
    this.barTicks = null;
  }

  x(kpc) { return this.left + this.size * (kpc - this.view.x0) / (this.view.x1 - this.view.x0); }
  y(kpc) { return this.top + this.size * (this.view.y1 - kpc) / (this.view.y1 - this.view.y0); }

  // Position in kpc of a point of the canvas, null outside the frame.
  at(x, y) {
    const [u, v] = [(x - this.left) / this.size, (y - this.top) / this.size];
    if (u < 0 || u > 1 || v < 0 || v > 1) return null;
    const { x0, x1, y0, y1 } = this.view;
    return [x0 + u * (x1 - x0), y1 - v * (y1 - y0)];
  }

  // Look at another part of the sky: { x0, x1, y0, y1 } in kpc.
  look(view) {
    const { context, style, left, top, size } = this, bottom = top + size;
    this.view = view;
    context.clearRect(0, top - 8, left, size + 16);
    context.clearRect(0, bottom, this.width, 42);
    for (const x of roundTicks(view.x0, view.x1, 8)) {
      line(context, style.muted, [[this.x(x), bottom + 1], [this.x(x), bottom + 6]]);
      if (this.x(x) > 13) write(context, style, plain(x), this.x(x), bottom + 19); // or it is cut
    }
    write(context, style, 'x (kpc)', left + size / 2, bottom + 36, { size: 12, color: style.text });
    if (!this.isFirst) return;
    for (const y of roundTicks(view.y0, view.y1, 8)) {
      line(context, style.muted, [[left - 6, this.y(y)], [left - 1, this.y(y)]]);
      write(context, style, plain(y), left - 10, this.y(y) + 4, { align: 'right' });
    }
    context.save();
    context.translate(13, top + size / 2);
    context.rotate(-Math.PI / 2);
    write(context, style, 'y (kpc)', 0, 0, { size: 12, color: style.text });
    context.restore();
  }

  // Draw levels (null: nothing to show), and a crosshair where [x, y] in kpc is pointed at.
  draw(levels, shape, extent, cross) {
    const { context, style, left, top, size } = this;
    context.save();
    context.beginPath();
    context.rect(left, top, size, size);
    context.clip();
    context.fillStyle = style.inset;
    context.fillRect(left, top, size, size);
    if (levels) {
      this.raster.paint(levels, shape, this.colors);
      const [x, y] = [this.x(-extent / 2), this.y(extent / 2)];
      context.imageSmoothingEnabled = false;
      context.drawImage(this.raster.canvas, x, y, this.x(extent / 2) - x, this.y(-extent / 2) - y);
      this.drawScaleBar();
    } else {
      write(context, style, this.spec.nothing, left + size / 2, top + size / 2, { size: 12 });
    }
    if (cross) {
      const [x, y] = [Math.round(this.x(cross[0])) + 0.5, Math.round(this.y(cross[1])) + 0.5];
      line(context, 'rgba(255,255,255,0.55)', [[x, top], [x, top + size]]);
      line(context, 'rgba(255,255,255,0.55)', [[left, y], [left + size, y]]);
    }
    context.restore();
    const [x0, y0, x1, y1] = [left + 0.5, top + 0.5, left + size - 0.5, top + size - 0.5];
    line(context, style.line, [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]);
  }

  // A bar of a round length, about a quarter of the frame.
  drawScaleBar() {
    const { context, style, left, top, size } = this;
    const kpc = roundTicks(0, 0.32 * (this.view.x1 - this.view.x0), 1)[1];
    const length = size * kpc / (this.view.x1 - this.view.x0);
    context.fillStyle = 'rgba(0,0,0,0.35)';
    context.fillRect(left + 6, top + size - 34, length + 14, 28);
    write(context, style, `${plain(kpc)} kpc`, left + 13 + length / 2, top + size - 19, { color: '#fff' });
    context.fillStyle = '#fff';
    context.fillRect(left + 13, top + size - 13, length, 2);
  }

  // Write what the colors mean; `ticks` are [share of the bar, words].
  label(ticks) {
    if (ticks === this.barTicks) return;
    this.barTicks = ticks;
    const { context, style, left, top, size } = this, y = top + size + 71;
    context.clearRect(0, y, this.width, 20);
    for (const [share, words] of ticks) write(context, style, words, left + share * size, y + 13);
  }
}

// The radial profile, its truth, and below it how far they are apart.
class ProfilePlot {
  constructor(canvas) {
    this.canvas = canvas;
  }

  arrange(size, style, spec) {
    Object.assign(this, { size, style, spec });
    [this.width, this.height] = [size + 2 * style.gap, TITLE_HEIGHT + size + 92];
    this.context = fit(this.canvas, this.width, this.height);
    const top = TITLE_HEIGHT, bottom = TITLE_HEIGHT + size + 42, cut = top + 0.66 * (bottom - top);
    // Tick labels stand in the gap, which this canvas has at its left, and a little more.
    this.left = style.gap + 26;
    this.right = style.gap + size;
    this.upper = [top, cut];
    this.lower = [cut + 12, bottom];
  }

  x(kpc) { return this.left + (this.right - this.left) * kpc / this.spec.radius; }

  draw(step) {
    const { context, style, spec } = this, [low, high] = spec.limits.map(Math.log10);
    context.clearRect(0, 0, this.width, this.height);
    write(context, style, 'Radial profile', this.left, 15,
      { align: 'left', size: 13, color: style.text, bold: true });
    const tall = this.upper[1] - this.upper[0];
    const y = value => this.upper[1] - tall * (Math.log10(value) - low) / (high - low);
    const mid = (this.lower[0] + this.lower[1]) / 2;
    const dex = value => mid - (this.lower[1] - this.lower[0]) / 2 * value / spec.dex;
    this.frame(this.upper, spec.ticks.map(([value, words]) => [y(value), words]));
    this.frame(this.lower, [-spec.dex, 0, spec.dex].map(value => [dex(value), plain(value)]));
    for (const r of roundTicks(0, spec.radius, 4)) {
      line(context, style.muted, [[this.x(r), this.lower[1]], [this.x(r), this.lower[1] + 5]]);
      write(context, style, plain(r), this.x(r), this.lower[1] + 18);
    }
    write(context, style, 'projected radius (kpc)', (this.left + this.right) / 2, this.lower[1] + 35,
      { size: 12, color: style.text });
    write(context, style, spec.unit, this.left + 6, this.upper[1] - 8, { align: 'left' });
    write(context, style, 'Δ (dex)', this.right - 5, this.lower[0] + 13, { align: 'right' });
    const curve = (values, f) => Array.from(values, (v, i) => [this.x(spec.radii[i]), f(v)]);
    this.within(this.upper, () => {
      line(context, style.text, curve(spec.truth, y), { width: 2, dash: [6, 4] });
      if (step) line(context, style.warm, curve(spec.profiles[step - 1], y), { width: 2 });
    });
    this.within(this.lower, () => {
      line(context, style.muted, [[this.left, mid], [this.right, mid]], { dash: [2, 3] });
      if (step) line(context, style.warm, curve(spec.residuals[step - 1], dex), { width: 2 });
    });
    this.legend();
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

  within([top, bottom], draw) {
    this.context.save();
    this.context.beginPath();
    this.context.rect(this.left, top, this.right - this.left, bottom - top);
    this.context.clip();
    draw();
    this.context.restore();
  }

  legend() {
    const { context, style, right } = this, y = this.upper[0] + 14;
    [['estimate', style.warm, []], ['truth', style.text, [4, 3]]].forEach(([words, color, dash], i) => {
      write(context, style, words, right - 8, y + 15 * i, { align: 'right', color: style.text });
      const end = right - 14 - context.measureText(words).width;
      line(context, color, [[end - 18, y + 15 * i - 4], [end, y + 15 * i - 4]], { width: 2, dash });
    });
  }
}
