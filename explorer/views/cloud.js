// Clouds of points side by side under one camera: drag to turn all of them. The steps in which one came
// to be are here, and are played here; they come in chunks, the last step first.

const GAP = 20, TURN = 5, FINE = 1, NEAREST = 0.05, FARTHEST = 2.5, REST_MS = 150;
const HINT = 'Drag or arrow keys turn, Page Up and Page Down roll, + and − zoom, 0 or a double click '
  + 'resets, Space plays, comma and period step.';
const PLAY = 'M6 4l10 6-10 6z', PAUSE = 'M7 4v12M13 4v12';

// The points of a cloud at each step; of one without steps, at all of them.
class Frames {
  constructor(told) {
    this.number = told.number;
    this.frames = Array(told.steps).fill(null);
  }

  at(step) { return this.frames[Math.min(step, this.frames.length) - 1]; }

  // The last that is missing, or -1.
  missing() { return this.frames.lastIndexOf(null); }

  receive(start, points) {
    const bytes = points instanceof ArrayBuffer ? points : points.buffer.slice(
      points.byteOffset, points.byteOffset + points.byteLength);
    this.frames[start] = new Int16Array(bytes);
  }
}

class Clouds {
  constructor(model, el) {
    this.model = model;
    el.innerHTML = `<div class="clouds" tabindex="0" role="group" aria-label="Clouds of particles">
      <div class="names"></div>
      <div class="sky"><canvas role="img"></canvas><div class="bars"></div></div>
      <p class="wrong" role="alert" hidden></p>
      <div class="bar"><button type="button" class="play"><svg viewBox="0 0 20 20" aria-hidden="true">
        <path/></svg></button><input type="range" min="1" step="1" aria-label="Step">
        <span class="label"></span></div>
      <p class="hint">${HINT}</p></div>`;
    const find = selector => el.querySelector(selector);
    [this.root, this.names, this.canvas, this.bars, this.wrong, this.play, this.slider, this.label] =
      ['.clouds', '.names', 'canvas', '.bars', '.wrong', '.play', 'input', '.label'].map(find);
    this.held = [];
    this.half = 0;
    this.listen();
    this.begin();
  }

  begin() {
    try {
      this.sky = new PointSky(this.canvas);
      this.wrong.hidden = true;
    } catch (error) {
      this.sky = null;
      this.wrong.textContent = error.message;
      this.wrong.hidden = false;
    }
    this.arrange();
    this.take();
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener('webglcontextlost', event => event.preventDefault());
    canvas.addEventListener('webglcontextrestored', () => this.begin());
    canvas.addEventListener('pointerdown', event => {
      if (event.button) return;
      canvas.setPointerCapture(event.pointerId);
      this.grip = this.touched(event);
    });
    canvas.addEventListener('pointermove', event => {
      if (!this.grip) return;
      const [pane, from] = this.grip, [, to] = this.touched(event, pane);
      this.grip = [pane, to];
      this.turn(between(from, to));
    });
    for (const name of ['pointerup', 'pointercancel']) {
      canvas.addEventListener(name, () => { this.grip = null; });
    }
    canvas.addEventListener('dblclick', () => this.reset());
    canvas.addEventListener('wheel', event => {
      if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
      event.preventDefault();
      this.zoom(1.002 ** event.deltaY);
    }, { passive: false });
    this.slider.addEventListener('input', () => this.go(+this.slider.value));
    this.play.addEventListener('click', () => this.toggle());
    this.root.addEventListener('keydown', event => this.press(event));
  }

  // Where a pointer touches the sphere in the middle of a pane, and the pane.
  touched(event, pane = Math.floor(event.offsetX / (this.model.size + GAP))) {
    const radius = this.model.size / 2;
    const x = event.offsetX - pane * (this.model.size + GAP) - radius;
    return [pane, onSphere(x / radius, (radius - event.offsetY) / radius)];
  }

  press(event) {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || target === this.slider) return;
    const angle = (event.shiftKey ? FINE : TURN) * RAD, turn = (axis, sign) => this.turn(about(axis, sign * angle));
    const acts = {
      ArrowLeft: () => turn(Y, -1), ArrowRight: () => turn(Y, 1), ArrowUp: () => turn(X, -1),
      ArrowDown: () => turn(X, 1), PageUp: () => turn(Z, 1), PageDown: () => turn(Z, -1),
      '+': () => this.zoom(0.8), '-': () => this.zoom(1.25), 0: () => this.reset(),
      ',': () => this.go(this.step - 1), '.': () => this.go(this.step + 1),
    };
    if (target !== this.play) acts[' '] = () => this.toggle();
    if (!acts[key]) return;
    event.preventDefault();
    acts[key]();
  }

  // Take over the clouds that `model.clouds` tells of; those that are the same keep their points.
  take() {
    const { clouds, labels } = this.model, held = this.held;
    this.held = clouds.map(told => held.find(({ number }) => number === told.number) || new Frames(told));
    if (!this.held.some(({ number }) => number === this.asked)) this.asked = null;
    this.names.replaceChildren(...clouds.map(({ title, words }) => {
      const name = document.createElement('div');
      name.innerHTML = '<b></b><span></span>';
      name.firstChild.textContent = title;
      name.lastChild.textContent = words;
      return name;
    }));
    this.bars.replaceChildren(...clouds.map(() => {
      const bar = document.createElement('div');
      bar.innerHTML = '<span></span><i></i>';
      return bar;
    }));
    this.palettes = clouds.map(({ palette }) => {
      const colors = palette.split(' ');
      return new Uint8Array(lookup(colors, colors[0]).buffer);
    });
    const count = Math.max(labels.length, 1), were = this.count;
    this.count = count;
    this.slider.max = count;
    this.slider.disabled = this.play.disabled = count < 2;
    this.half ||= this.model.extent / 2;
    if (count !== were) this.stop();
    this.go(count === were ? this.step : count);
    this.arrange();
    this.ask();
  }

  // Ask for a frame, one at a time: what is on view first.
  ask() {
    if (this.asked) return;
    const wanting = this.held.filter(each => each.missing() >= 0);
    const first = wanting.find(each => !each.at(this.step)) || wanting[0];
    if (!first) return;
    this.asked = first.number;
    const here = Math.min(this.step, first.frames.length) - 1;
    this.model.send_msg({ cloud: first.number, start: first.frames[here] ? first.missing() : here });
  }

  receive({ cloud, start, points }) {
    const held = this.held.find(({ number }) => number === cloud);
    if (!held) return;
    held.receive(start, points);
    this.asked = null;
    this.redraw();
    this.ask();
  }

  go(step) {
    this.step = Math.min(Math.max(step, 1), this.count);
    this.move();
  }

  toggle() {
    if (this.playing) return void this.stop();
    if (this.count < 2) return;
    this.playing = true;
    this.setPlay();
    let due = performance.now();
    if (this.step === this.count) this.go(1);
    const tick = now => {
      if (!this.playing) return;
      requestAnimationFrame(tick);
      if (now < due) return;
      if (this.step === this.count) return void this.stop();
      if (!this.held.every(each => each.at(this.step + 1))) return;
      this.go(this.step + 1);
      due = now + 1000 / this.model.speed;
    };
    requestAnimationFrame(tick);
  }

  stop() {
    this.playing = false;
    this.setPlay();
  }

  close() {
    this.stop();
    clearTimeout(this.rest);
  }

  setPlay() {
    const words = this.playing ? 'Pause' : 'Play';
    this.play.querySelector('path').setAttribute('d', this.playing ? PAUSE : PLAY);
    this.play.title = words;
    this.play.setAttribute('aria-label', words);
  }

  // What moves is drawn coarsely until it rests.
  move() {
    this.moves = true;
    clearTimeout(this.rest);
    this.rest = setTimeout(() => { this.moves = false; this.redraw(); }, REST_MS);
    this.redraw();
  }

  turn(rotation) {
    this.pose = multiply(rotation, this.pose);
    this.move();
  }

  zoom(factor) {
    const half = this.half * factor, whole = this.model.extent / 2;
    if (half < NEAREST * whole || half > FARTHEST * whole) return;
    this.half = half;
    this.move();
  }

  reset() {
    this.pose = this.model.pose;
    this.half = this.model.extent / 2;
    this.redraw();
  }

  arrange() {
    const { size, colors, clouds } = this.model;
    for (const [name, value] of Object.entries(colors)) this.root.style.setProperty(`--${name}`, value);
    this.root.style.setProperty('--size', `${size}px`);
    this.root.style.setProperty('--gap', `${GAP}px`);
    this.root.style.setProperty('--panes', Math.max(clouds.length, 1));
    this.pose ||= this.model.pose;
    const width = Math.max(clouds.length, 1) * (size + GAP) - GAP, density = window.devicePixelRatio || 1;
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${size}px` });
    this.sky?.resize(Math.round(width * density), Math.round(size * density));
    this.background = [1, 3, 5].map(i => parseInt(colors.surface.slice(i, i + 2), 16) / 255);
    this.setPlay();
    this.redraw();
  }

  redraw() {
    this.waiting ||= requestAnimationFrame(() => { this.waiting = 0; this.draw(); });
  }

  draw() {
    const { model: { clouds, labels, size, reach }, pose, half, step, held } = this;
    const words = labels[step - 1] || '';
    this.label.textContent = words;
    this.slider.value = step;
    this.slider.setAttribute('aria-valuetext', words);
    const [inclination, angle] = anglesOf(pose);
    this.canvas.setAttribute('aria-label', [...clouds.map(each => `${each.title}, ${each.words}`),
      words, `seen at inclination ${inclination}°, position angle ${angle}°`].filter(Boolean).join('; '));
    const bar = roundTicks(0, 0.7 * half, 2).pop() || half / 2;
    for (const each of this.bars.children) {
      each.firstChild.textContent = `${plain(bar)} kpc`;
      each.lastChild.style.width = `${bar / (2 * half) * size}px`;
    }
    if (!this.sky) return;
    this.sky.wipe(this.background);
    const density = window.devicePixelRatio || 1;
    clouds.forEach(({ limits }, i) => {
      const cloud = { points: held[i].at(step), limits, palette: this.palettes[i] };
      this.sky.draw(Math.round(i * (size + GAP) * density), cloud, pose, half, reach, this.moves);
    });
  }
}

export function render({ model, el }) {
  const clouds = new Clouds(model, el);
  model.on('clouds', () => clouds.take());
  for (const name of ['size', 'colors']) model.on(name, () => clouds.arrange());
  for (const name of ['pose', 'extent']) model.on(name, () => clouds.reset());
  model.on('msg:custom', message => clouds.receive(message.data ?? message));
  model.on('remove', () => clouds.close());
}
