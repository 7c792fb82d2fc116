// Maps: levels painted in colors, with axes, a scale bar, a color bar and what lies under a pointer.

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

// A map in a square frame. It shows one picture, or two side by side of a divider. A picture has
// levels (null: nothing to show) and their shape, the scale that they are of, words, and a tag.
class MapPlot {
  constructor(pane, isFirst) {
    this.pane = pane;
    this.canvas = pane.querySelector('canvas');
    this.output = pane.querySelector('output');
    this.isFirst = isFirst;
    this.rasters = [new Raster(), new Raster()];
  }

  // Take the side of the frame; `spec` has title, palette, bar, unit, nothing; see spec.py.
  arrange(size, style, spec) {
    this.size = size;
    this.style = style;
    this.spec = spec;
    this.most = Math.min(8, size / 25); // ticks of an axis, or their numbers meet
    this.left = this.isFirst ? style.marginLeft : style.gap / 2;
    this.top = TITLE_HEIGHT;
    this.width = this.left + size + style.gap / 2;
    this.context = fit(this.canvas, this.width, this.top + size + 92);
    const palette = spec.palette.split(' ');
    this.colors = lookup(palette, style.noData);
    // A title too long for its map is told without its second part, as its color bar tells that.
    this.context.font = `bold 13px ${style.font}`;
    const fits = this.context.measureText(spec.title).width <= size;
    write(this.context, style, fits ? spec.title : spec.title.split(' · ')[0], this.left, 15,
      { align: 'left', size: 13, color: style.text, bold: true });
    write(this.context, style, spec.bar, this.left, this.top + size + 55,
      { align: 'left', size: 12, color: style.text });
    const strip = this.context.createLinearGradient(this.left, 0, this.left + size, 0);
    palette.forEach((c, i, all) => strip.addColorStop(i / (all.length - 1), c));
    this.context.fillStyle = strip;
    this.context.fillRect(this.left, this.top + size + 61, size, 9);
    Object.assign(this.output.style, { left: `${this.left + 5}px`, top: `${this.top + 26}px` });
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
    for (const x of roundTicks(view.x0, view.x1, this.most)) {
      line(context, style.muted, [[this.x(x), bottom + 1], [this.x(x), bottom + 6]]);
      if (this.x(x) > 13) write(context, style, plain(x), this.x(x), bottom + 19); // or it is cut
    }
    write(context, style, 'x (kpc)', left + size / 2, bottom + 36, { size: 12, color: style.text });
    if (!this.isFirst) return;
    for (const y of roundTicks(view.y0, view.y1, this.most)) {
      line(context, style.muted, [[left - 6, this.y(y)], [left - 1, this.y(y)]]);
      write(context, style, plain(y), left - 10, this.y(y) + 4, { align: 'right' });
    }
    context.save();
    context.translate(13, top + size / 2);
    context.rotate(-Math.PI / 2);
    write(context, style, 'y (kpc)', 0, 0, { size: 12, color: style.text });
    context.restore();
  }

  // Draw one picture, or two with `share` of the frame for the first; a crosshair at [x, y] in kpc.
  draw(pictures, extent, cross, share = 1) {
    const { context, style, left, top, size } = this;
    this.within(left, size, () => {
      context.fillStyle = style.inset;
      context.fillRect(left, top, size, size);
    });
    const cut = pictures.length > 1 ? Math.round(share * size) : size;
    pictures.forEach((picture, i) => this.within(i ? left + cut : left, i ? size - cut : cut, () => {
      if (picture.levels) this.paint(picture, this.rasters[i], extent);
      else write(context, style, this.spec.nothing, left + size / 2, top + size / 2, { size: 12 });
    }));
    this.within(left, size, () => {
      if (pictures.some(picture => picture.levels)) this.drawScaleBar();
      // Of two, one above at the left and one below at the right: there they never meet.
      pictures.forEach((picture, i) => this.drawTag(picture, pictures.length > 1 && !i, i > 0));
      if (cross) this.drawCross(cross);
    });
    const [x0, y0, x1, y1] = [left + 0.5, top + 0.5, left + size - 0.5, top + size - 0.5];
    line(context, style.line, [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]);
    this.label(pictures[0].scale.ticks);
    const told = pictures.map(({ levels, words }) => levels ? words : 'nothing to show yet');
    this.canvas.setAttribute('aria-label', `${this.spec.title}: ${told.join('; right of the divider ')}`);
    this.read(pictures, extent, cross, share);
  }

  within(x, width, draw) {
    const { context, top, size } = this;
    context.save();
    context.beginPath();
    context.rect(x, top, width, size);
    context.clip();
    draw();
    context.restore();
  }

  paint({ levels, shape }, raster, extent) {
    const { context } = this, [x, y] = [this.x(-extent / 2), this.y(extent / 2)];
    raster.paint(levels, shape, this.colors);
    context.imageSmoothingEnabled = false;
    context.drawImage(raster.canvas, x, y, this.x(extent / 2) - x, this.y(-extent / 2) - y);
  }

  // Say in a corner whose picture it is.
  drawTag({ tag, color }, isLeft, isLow) {
    if (!tag) return;
    const { context, style, left, top, size } = this;
    context.font = `11px ${style.font}`;
    const width = context.measureText(tag).width + 12, x = isLeft ? left + 5 : left + size - 5 - width;
    const y = isLow ? top + size - 24 : top + 5;
    context.fillStyle = 'rgba(0,0,0,0.6)';
    context.fillRect(x, y, width, 18);
    context.fillStyle = color;
    context.fillRect(x, y, 2, 18);
    write(context, style, tag, x + width / 2 + 1, y + 13, { color: '#fff' });
  }

  drawCross([x, y]) {
    const { context, left, top, size } = this;
    const [u, v] = [Math.round(this.x(x)) + 0.5, Math.round(this.y(y)) + 0.5];
    line(context, 'rgba(255,255,255,0.55)', [[u, top], [u, top + size]]);
    line(context, 'rgba(255,255,255,0.55)', [[left, v], [left + size, v]]);
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
    context.font = `11px ${style.font}`;
    let end = -Infinity; // of the last label, which the next must not meet
    for (const [share, words] of ticks) {
      const x = left + share * size, half = context.measureText(words).width / 2;
      if (x - half < end + 4) continue;
      write(context, style, words, x, y + 13);
      end = x + half;
    }
  }

  // Write the value beneath the crosshair, in physical units, as far as its level tells it.
  read(pictures, extent, cross, share) {
    const isRight = cross && pictures.length > 1 && this.x(cross[0]) > this.left + share * this.size;
    const { levels, shape: [height, width], scale } = pictures[isRight ? 1 : 0];
    this.output.hidden = !cross || !levels;
    if (this.output.hidden) return;
    const [x, y] = cross, { low, high, logarithmic } = scale;
    const column = Math.floor((x / extent + 0.5) * width), row = Math.floor((y / extent + 0.5) * height);
    const isInside = column >= 0 && column < width && row >= 0 && row < height;
    const level = isInside ? levels[row * width + column] : 0, part = (level - 1) / 254;
    const value = logarithmic ? low * (high / low) ** part : low + (high - low) * part;
    const sign = { 1: '≤ ', 255: '≥ ' }[level] || '';
    const number = logarithmic ? powerOfTen(value, 1) : plain(value.toFixed(2));
    const words = level ? `${sign}${number} ${this.spec.unit}`.trim() : 'no data';
    this.output.textContent = `${words}\nx ${plain(x.toFixed(1))}, y ${plain(y.toFixed(1))} kpc`;
  }
}
