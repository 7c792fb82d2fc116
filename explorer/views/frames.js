// The player of a run's steps. All frames are here: a step asks nothing of the server, which hears
// where the pictures have come to rest. Plots are those of plot.js, words those of numbers.js.

const REST_MS = 200, SHARE_MS = 80, HOLD_MS = 800, SPEEDS = [2, 5, 10, 25, 60];
const ICONS = {
  first: 'M5 4v12M16 4l-8 6 8 6z', previous: 'M5 4v12M14 4l-6 6 6 6z', play: 'M6 4l10 6-10 6z',
  pause: 'M7 4v12M13 4v12', next: 'M15 4v12M6 4l6 6-6 6z', last: 'M15 4v12M4 4l8 6-8 6z',
  loop: 'M4 9a5 5 0 0 1 5-4h6m-3-3 3 3-3 3M16 11a5 5 0 0 1-5 4H5m3 3-3-3 3-3',
};

const icon = name => `<svg viewBox="0 0 20 20" aria-hidden="true"><path d="${ICONS[name]}"/></svg>`;
const button = (name, words) =>
  `<button type="button" class="${name}" aria-label="${words}" title="${words}">${icon(name)}</button>`;

const TEMPLATE = `
<div class="player" tabindex="0" role="group" aria-label="Steps of the translation">
  <div class="bar">
    <span class="label"></span>
    ${button('first', 'First step')}${button('previous', 'Previous step')}${button('play', 'Play')}
    ${button('next', 'Next step')}${button('last', 'Last step')}${button('loop', 'Loop')}
    <select aria-label="Speed" title="Speed">
      ${SPEEDS.map(s => `<option value="${s}">${s} steps/s</option>`).join('')}
    </select>
    <input type="range" min="1" step="1" aria-label="Step">
  </div>
  <div class="plots">
    ${'<div class="map"><canvas role="img"></canvas><output></output></div>'.repeat(3)}
    <div class="profile"><canvas role="img"></canvas></div>
  </div>
  <div class="film" role="group" aria-label="Film strip"></div>
  <p>Space plays, ← and → step, Home and End jump. Drag to pan, Ctrl + wheel or + and − zoom, 0 or a
    double click resets.</p>
</div>`;

class Player {
  constructor(model, range, el) {
    this.model = model;
    this.range = range; // { x, y }: what Bokeh's maps share, or null
    el.innerHTML = TEMPLATE;
    const find = selector => el.querySelector(selector);
    this.root = find('.player');
    [this.words, this.slider, this.speed, this.film] =
      ['.label', 'input', 'select', '.film'].map(find);
    this.speed.value = 10;
    const canvases = [...el.querySelectorAll('.plots canvas')];
    this.profile = new ProfilePlot(canvases.pop());
    this.maps = canvases.map((canvas, i) => new MapPlot(canvas, i === 0));
    this.readouts = [...el.querySelectorAll('output')];
    this.listen(find);
    this.take();
  }

  listen(find) {
    const on = (name, act) => find(`.${name}`).addEventListener('click', act);
    on('first', () => this.show(1));
    on('previous', () => this.show(this.step - 1));
    on('play', () => this.playing ? this.pause() : this.play());
    on('next', () => this.show(this.step + 1));
    on('last', () => this.show(this.count));
    on('loop', event => event.currentTarget.setAttribute('aria-pressed', this.loop = !this.loop));
    this.slider.addEventListener('input', () => this.show(+this.slider.value));
    this.root.addEventListener('keydown', event => this.press(event));
    for (const plot of this.maps) {
      const { canvas } = plot, here = event => plot.at(event.offsetX, event.offsetY);
      canvas.addEventListener('pointerdown', event => this.grab(event, plot));
      canvas.addEventListener('pointermove', event => this.drag(event, plot) || this.point(here(event)));
      canvas.addEventListener('lostpointercapture', () => { this.grip = null; });
      canvas.addEventListener('pointerleave', () => this.point(null));
      canvas.addEventListener('dblclick', () => this.look(this.whole()));
      canvas.addEventListener('wheel', event => {
        if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
        event.preventDefault();
        if (here(event)) this.zoom(1.002 ** event.deltaY, here(event));
      }, { passive: false });
    }
    find('.profile').addEventListener('click', () => this.root.focus());
    this.followRange = () => { if (!this.sharing) this.look(this.rangeView(), false); };
    if (this.range) for (const axis of [this.range.x, this.range.y]) axis.change.connect(this.followRange);
  }

  close() {
    this.pause();
    clearTimeout(this.rest);
    if (this.range) for (const axis of [this.range.x, this.range.y]) axis.change.disconnect(this.followRange);
  }

  // Take over the run that `model.spec` tells of, or that there is none.
  take() {
    this.pause();
    clearTimeout(this.rest);
    this.spec = this.model.spec;
    this.count = this.spec.labels.length;
    this.frames = Array(this.count).fill(null);
    this.truth = this.spec.truth && new Uint8Array(this.spec.truth);
    this.step = Math.min(this.spec.step, this.count);
    this.slider.max = Math.max(this.count, 1);
    for (const control of this.root.querySelectorAll('.bar button, input, select')) {
      control.disabled = this.count < 2;
    }
    this.root.querySelector('p').hidden = this.count < 2;
    this.root.tabIndex = this.count < 2 ? -1 : 0;
    this.fillFilm();
    this.arrange();
    this.ask();
  }

  // Ask for the frames on view, then for the others, one message at a time.
  ask() {
    const next = this.count && !this.frames[this.step - 1] ? this.step - 1 : this.frames.indexOf(null);
    const { run, chunk } = this.spec;
    if (next >= 0) this.model.send_msg({ run, start: next - next % chunk });
  }

  receive({ run, start, frames }) {
    if (run !== this.spec.run) return;
    const bytes = new Uint8Array(frames), [height, width] = this.spec.shape, area = height * width;
    for (let i = 0; 2 * area * i < bytes.length; i++) {
      const at = 2 * area * i;
      this.frames[start + i] = [bytes.subarray(at, at + area), bytes.subarray(at + area, at + 2 * area)];
    }
    this.paintFilm();
    this.redraw();
    this.ask();
  }

  show(step) {
    this.pause();
    this.go(step);
  }

  go(step) {
    this.step = Math.min(Math.max(step, 1), this.count);
    clearTimeout(this.rest);
    if (this.playing) return this.draw(); // within a screen frame already
    this.rest = setTimeout(() => { this.model.step = this.step; }, REST_MS);
    this.redraw();
  }

  play() {
    this.playing = true;
    this.setPlay('pause', 'Pause');
    let due = performance.now();
    if (this.step === this.count) this.go(1);
    const tick = now => {
      if (!this.playing) return;
      requestAnimationFrame(tick);
      if (now < due - 4) return; // half a frame of a screen at 120 Hz
      const isLast = this.step === this.count, next = isLast ? 1 : this.step + 1;
      if (isLast && !this.loop) return void this.show(this.count);
      if (!this.frames[next - 1]) return;
      this.go(next);
      due = Math.max(due, now - 50) + (next === this.count && this.loop ? HOLD_MS : 1000 / this.speed.value);
    };
    requestAnimationFrame(tick);
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.setPlay('play', 'Play');
    this.go(this.step);
  }

  setPlay(name, words) {
    const play = this.root.querySelector('.play');
    play.innerHTML = icon(name);
    play.title = words;
    play.setAttribute('aria-label', words);
  }

  press(event) {
    const { key, target } = event;
    if (this.count < 2 || target === this.speed || event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = {
      ArrowLeft: () => this.show(this.step - 1), ArrowRight: () => this.show(this.step + 1),
      Home: () => this.show(1), End: () => this.show(this.count),
      '+': () => this.zoom(0.8), '-': () => this.zoom(1.25), 0: () => this.look(this.whole()),
    };
    // A button has a space bar of its own.
    if (target.tagName !== 'BUTTON') acts[' '] = () => this.playing ? this.pause() : this.play();
    if (!acts[key]) return;
    event.preventDefault();
    acts[key]();
  }

  // What part of the sky is on view.
  whole() {
    const half = this.spec.extent / 2;
    return { x0: -half, x1: half, y0: -half, y1: half };
  }

  rangeView() {
    const { x, y } = this.range;
    return { x0: x.start, x1: x.end, y0: y.start, y1: y.end };
  }

  look(view, isOurs = true) {
    this.view = view;
    for (const plot of this.maps) plot.look(view);
    this.redraw();
    if (!isOurs || !this.range) return;
    // Bokeh's maps take longer to draw than ours: they follow at their own pace.
    clearTimeout(this.share);
    this.share = setTimeout(() => {
      this.sharing = true;
      this.range.x.setv({ start: this.view.x0, end: this.view.x1 });
      this.range.y.setv({ start: this.view.y0, end: this.view.y1 });
      this.sharing = false;
    }, SHARE_MS);
  }

  zoom(factor, about) {
    const { x0, x1, y0, y1 } = this.view, [x, y] = about || [(x0 + x1) / 2, (y0 + y1) / 2];
    const wide = (x1 - x0) * factor;
    if (wide > 4 * this.spec.extent || wide < 4 * this.spec.extent / this.spec.shape[1]) return;
    this.look({ x0: x + (x0 - x) * factor, x1: x + (x1 - x) * factor,
                y0: y + (y0 - y) * factor, y1: y + (y1 - y) * factor });
  }

  grab(event, plot) {
    if (!plot.at(event.offsetX, event.offsetY)) return;
    plot.canvas.setPointerCapture(event.pointerId);
    this.grip = { x: event.offsetX, y: event.offsetY, view: this.view };
  }

  drag(event, plot) {
    if (!this.grip) return false;
    const { x, y, view } = this.grip;
    const right = (event.offsetX - x) / plot.size * (view.x1 - view.x0);
    const up = (y - event.offsetY) / plot.size * (view.y1 - view.y0);
    this.look({ x0: view.x0 - right, x1: view.x1 - right, y0: view.y0 - up, y1: view.y1 - up });
    return true;
  }

  point(cross) {
    this.cross = cross;
    this.redraw();
  }

  // Drawing. Sizes, colors and words first, then what changes with the step, once a screen frame.
  arrange() {
    const { spec, model: { size } } = this, css = getComputedStyle(this.root);
    const style = { font: css.fontFamily, marginLeft: spec.marginLeft, gap: spec.gap };
    for (const name of ['text', 'muted', 'line', 'inset', 'warm', 'noData']) {
      style[name] = css.getPropertyValue(`--${name}`).trim();
    }
    this.root.style.setProperty('--margin', `${spec.marginLeft}px`);
    this.root.style.setProperty('--gap', `${spec.gap}px`);
    this.root.style.setProperty('--width', `${4 * size + 3 * spec.gap}px`);
    this.maps.forEach((plot, i) => {
      plot.arrange(size, style, spec.maps[i]);
      const corner = { left: `${plot.left + 5}px`, top: `${plot.top + 5}px` };
      Object.assign(this.readouts[i].style, corner);
    });
    this.profile.arrange(size, style, spec.profile);
    this.look(this.range ? this.rangeView() : this.whole(), false);
    this.paintFilm();
  }

  redraw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.draw(); });
  }

  draw() {
    const { spec, step } = this, label = spec.labels[step - 1] || 'no steps yet';
    const [noisy, estimate] = (step && this.frames[step - 1]) || [null, null];
    [noisy, estimate, this.truth].forEach((levels, i) => {
      const plot = this.maps[i], { title, scales } = spec.maps[i];
      const scale = scales[Math.min(step || 1, scales.length) - 1];
      plot.draw(levels, spec.shape, spec.extent, this.cross);
      plot.label(scale.ticks);
      const told = !levels ? 'nothing to show yet' : i < 2 ? label : 'the same at all steps';
      plot.canvas.setAttribute('aria-label', `${title}: ${told}`);
      this.read(this.readouts[i], levels, scale, spec.maps[i].unit);
    });
    this.profile.draw(step);
    this.profile.canvas.setAttribute('aria-label', `Radial profile: ${label}`);
    this.words.textContent = label;
    this.slider.value = step;
    this.slider.setAttribute('aria-valuetext', label);
    for (const thumb of this.film.children) {
      const isNow = step >= +thumb.dataset.step && !(step >= +thumb.nextElementSibling?.dataset.step);
      thumb.setAttribute('aria-current', isNow ? 'step' : 'false');
    }
  }

  // Write the value beneath the crosshair, in physical units, as far as its level tells it.
  read(output, levels, { low, high, logarithmic }, unit) {
    output.hidden = !this.cross || !levels;
    if (output.hidden) return;
    const { extent, shape: [height, width] } = this.spec, [x, y] = this.cross;
    const column = Math.floor((x / extent + 0.5) * width), row = Math.floor((y / extent + 0.5) * height);
    const isInside = column >= 0 && column < width && row >= 0 && row < height;
    const level = isInside ? levels[row * width + column] : 0;
    const share = (level - 1) / 254;
    const value = logarithmic ? low * (high / low) ** share : low + (high - low) * share;
    const sign = { 1: '≤ ', 255: '≥ ' }[level] || '';
    const number = logarithmic ? powerOfTen(value, 1) : plain(value.toFixed(2));
    const words = level ? `${sign}${number} ${unit}`.trim() : 'no data';
    output.textContent = `${words}\nx ${plain(x.toFixed(1))}, y ${plain(y.toFixed(1))} kpc`;
  }

  // The film strip: x_t and estimate side by side at a few times.
  fillFilm() {
    this.film.replaceChildren(...this.spec.film.map(([step, time]) => {
      const thumb = document.createElement('button');
      thumb.type = 'button';
      thumb.dataset.step = step;
      thumb.setAttribute('aria-label', `Step ${step}, t = ${time}`);
      thumb.innerHTML = `<canvas></canvas><canvas></canvas><span>t = ${time}</span>`;
      thumb.rasters = [...thumb.querySelectorAll('canvas')].map(canvas => new Raster(canvas));
      thumb.addEventListener('click', () => this.show(step));
      return thumb;
    }));
  }

  paintFilm() {
    for (const { dataset: { step }, rasters } of this.film.children) {
      const frames = this.frames[step - 1], { shape } = this.spec;
      if (frames) rasters.forEach((raster, i) => raster.paint(frames[i], shape, this.maps[i].colors));
    }
  }
}

export function render({ model, view, el }) {
  const [x, y] = model.ranges.map(id => view.model.document?.get_model_by_id(id));
  const player = new Player(model, x && y ? { x, y } : null, el);
  model.on('spec', () => player.take());
  model.on('size', () => player.arrange());
  model.on('styles', () => requestAnimationFrame(() => player.arrange())); // once they are worn
  model.on('step', () => {
    if (!player.playing && model.step && model.step !== player.step) player.show(model.step);
  });
  model.on('msg:custom', message => player.receive(message));
  model.on('remove', () => player.close());
}
