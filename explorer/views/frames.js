// The player of a run's steps, and of a pinned run's in lock-step. All frames are here: a step asks
// nothing of the server, which hears where the pictures have come to rest.

const REST_MS = 200, HOLD_MS = 800;
const NARROW_PX = 200; // side of a map, under which the slider has a row of its own
const HINT = 'Space plays, ← and → step, Home and End jump. Drag to pan, Ctrl + wheel or + and − zoom, '
  + '0 or a double click resets.';

class Player {
  constructor(model, range, lines, el) {
    this.model = model;
    el.innerHTML = TEMPLATE;
    const find = selector => el.querySelector(selector);
    this.root = find('.player');
    [this.words, this.slider, this.ticks, this.speed, this.legend, this.note, this.pin, this.hint] =
      ['.label', 'input', '.ticks', 'select', '.legend', '.note', '.pin', 'p'].map(find);
    this.speed.value = 10;
    this.reels = [];
    this.sky = new Sky(range, () => this.look(), cross => { this.cross = cross; this.redraw(); }, lines);
    this.axis = new Segments(find('.axis'), AXES, 'step', () => { this.layAxis(); this.redraw(); });
    this.film = new Film(find('.film'), stop => this.show(stop));
    this.comparison = new Comparison(find('.modes'), () => this.compare(), () => this.redraw());
    this.rows = [this.row(find('.plots'), 'profile')];
    this.comparison.attach(this.rows[0].maps[1]);
    this.listen(find);
    this.take();
  }

  // Three maps and curves in an element that holds their panes.
  row(element, kind) {
    const panes = [...element.querySelectorAll('.map')], curve = element.querySelector('.curve');
    const maps = panes.map((pane, i) => new MapPlot(pane, i === 0));
    for (const plot of maps) this.sky.listen(plot);
    curve.querySelector('canvas').addEventListener('click', () => this.root.focus());
    return { element, maps, curve: new CurvePlot(curve, kind, () => this.redraw()) };
  }

  listen(find) {
    const on = (name, act) => find(`.${name}`).addEventListener('click', act);
    on('first', () => this.show(1));
    on('previous', () => this.show(this.stop - 1));
    on('play', () => this.playing ? this.pause() : this.play());
    on('next', () => this.show(this.stop + 1));
    on('last', () => this.show(this.count));
    on('loop', event => event.currentTarget.setAttribute('aria-pressed', this.loop = !this.loop));
    on('pin', () => this.model.send_msg({ pin: !this.spec.hasPin }));
    this.slider.addEventListener('input', () => this.show(this.stopAt(+this.slider.value)));
    this.root.addEventListener('keydown', event => this.press(event));
  }

  close() {
    this.pause();
    clearTimeout(this.rest);
    this.comparison.close();
    this.sky.close();
  }

  // Take over the runs that `model.spec` tells of, or that there are none.
  take() {
    this.pause();
    clearTimeout(this.rest);
    const spec = this.spec = this.model.spec, held = this.reels, before = this.current;
    this.reels = spec.reels.map(told => {
      const reel = held.find(({ number }) => number === told.number);
      reel?.tell(told);
      return reel || new Reel(told);
    });
    this.current = this.reels.find(reel => !reel.isPinned);
    this.pinned = this.reels.find(reel => reel.isPinned);
    if (!this.reels.some(({ number }) => number === this.asked)) this.asked = null;
    this.count = spec.stops.length;
    this.truth = spec.truth && new Uint8Array(spec.truth);
    // The server may not have heard yet where the run on view has come to.
    const isSame = this.current && this.current === before;
    this.setStop(this.stopOf(isSame ? before.step : spec.step));
    if (isSame) this.settle();
    for (const control of this.root.querySelectorAll('.bar button, input, select')) {
      control.disabled = this.count < 2;
    }
    for (const choice of this.axis.buttons) choice.disabled ||= !spec.axes[choice.value];
    if (!spec.axes[this.axis.value]) this.axis.value = 'step';
    this.root.tabIndex = this.count < 2 ? -1 : 0;
    this.layAxis();
    this.film.fill(spec.film, spec.stops, this.reels);
    this.sky.take(spec.extent, Math.max(...spec.shape, ...this.reels.map(reel => reel.shape[1])));
    this.comparison.take(this.current && this.pinned);
    this.compare();
    this.ask();
  }

  // Ask for the frames on view, then for the others, one message at a time.
  ask() {
    if (this.asked) return;
    const isHere = reel => !reel.step || reel.frames[reel.step - 1];
    const wanting = this.reels.filter(reel => reel.missing() >= 0).sort((a, b) => !!isHere(a) - !!isHere(b));
    if (!wanting.length) return;
    this.asked = wanting[0].number;
    this.model.send_msg({ run: this.asked, start: wanting[0].missing() });
  }

  receive({ run, start, frames }) {
    const reel = this.reels.find(({ number }) => number === run);
    if (!reel) return;
    reel.receive(start, frames);
    this.asked = null;
    this.film.paint(this.rows[0].maps.map(plot => plot.colors));
    this.redraw();
    this.ask();
  }

  // Stops: what the slider goes through; each holds a step of every run.
  setStop(stop) {
    this.stop = Math.min(Math.max(stop, 1), this.count);
    this.reels.forEach((reel, i) => { reel.step = this.stop ? this.spec.stops[this.stop - 1][i] : 0; });
  }

  // The stop at which the present run is at `step`, or next to it; the last where there is none.
  stopOf(step) {
    const { stops } = this.spec, far = stops.map(([own]) => Math.abs(own - step));
    return this.current ? far.indexOf(Math.min(...far)) + 1 : stops.length;
  }

  places() { return this.spec.axes[this.axis.value]?.places || [0]; }

  place() { return this.places()[Math.max(this.stop, 1) - 1]; }

  stopAt(value) {
    const wanted = (value - 1) / (this.count - 1), far = this.places().map(place => Math.abs(place - wanted));
    return far.indexOf(Math.min(...far)) + 1;
  }

  layAxis() {
    const axis = this.spec.axes[this.axis.value] || { ticks: [] };
    this.slider.max = Math.max(this.count, 1);
    this.slider.step = this.axis.value === 'step' ? 1 : 'any';
    this.ticks.replaceChildren(...axis.ticks.map(([place, words]) => {
      const tick = document.createElement('span');
      tick.textContent = words;
      tick.style.setProperty('--place', place);
      return tick;
    }));
  }

  show(stop) {
    this.pause();
    this.go(stop);
  }

  go(stop) {
    this.setStop(stop);
    clearTimeout(this.rest);
    if (this.playing) return this.draw(); // within a screen frame already
    this.settle();
    this.redraw();
  }

  // Tell the server, once the pictures rest, where.
  settle() {
    clearTimeout(this.rest);
    if (this.current) this.rest = setTimeout(() => { this.model.step = this.current.step; }, REST_MS);
  }

  play() {
    this.playing = true;
    this.setPlay('pause', 'Pause');
    let due = performance.now();
    if (this.stop === this.count) this.go(1);
    const tick = now => {
      if (!this.playing) return;
      requestAnimationFrame(tick);
      if (now < due - 4) return; // half a frame of a screen at 120 Hz
      const isLast = this.stop === this.count, next = isLast ? 1 : this.stop + 1;
      if (isLast && !this.loop) return void this.show(this.count);
      if (!this.reels.every((reel, i) => reel.levels(0, this.spec.stops[next - 1][i]))) return;
      this.go(next);
      due = Math.max(due, now - 50) + (next === this.count && this.loop ? HOLD_MS : 1000 / this.speed.value);
    };
    requestAnimationFrame(tick);
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.setPlay('play', 'Play');
    this.go(this.stop);
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
      ArrowLeft: () => this.show(this.stop - 1), ArrowRight: () => this.show(this.stop + 1),
      Home: () => this.show(1), End: () => this.show(this.count), b: () => this.comparison.flip(),
      '+': () => this.sky.zoom(0.8), '-': () => this.sky.zoom(1.25), 0: () => this.sky.reset(),
    };
    // A button has a space bar of its own.
    if (target.tagName !== 'BUTTON') acts[' '] = () => this.playing ? this.pause() : this.play();
    if (!acts[key]) return;
    event.preventDefault();
    acts[key]();
  }

  // A change of how runs are compared: a second row of plots comes or goes.
  compare() {
    const wanted = this.comparison.mode === 'side' ? 2 : 1;
    while (this.rows.length > wanted) this.rows.pop().element.remove();
    if (this.rows.length < wanted) {
      const element = document.createElement('div');
      element.className = 'plots';
      element.innerHTML = PANES;
      this.rows[0].element.after(element);
      this.rows.push(this.row(element, 'error'));
    }
    const inBlink = this.comparison.mode === 'blink' ? ' B flips and holds.' : '';
    this.hint.textContent = this.count < 2 ? '' : HINT + inBlink;
    this.arrange();
  }

  // Drawing. Sizes, colors and words first, then what changes with the step, once a screen frame.
  arrange() {
    const { spec, model: { size, colors } } = this;
    const style = { ...colors, marginLeft: spec.marginLeft, gap: spec.gap };
    for (const [name, value] of Object.entries(colors)) this.root.style.setProperty(`--${name}`, value);
    this.root.style.setProperty('--margin', `${spec.marginLeft}px`);
    this.root.style.setProperty('--gap', `${spec.gap}px`);
    this.root.style.setProperty('--size', `${size}px`);
    this.root.classList.toggle('narrow', size < NARROW_PX);
    for (const reel of this.reels) {
      reel.pen = { width: 2, ...(reel.isPinned ? { color: style.accent, dash: [6, 4] } : { color: style.warm }) };
    }
    const [noisy, estimate, truth, difference] = spec.maps;
    [[noisy, estimate, truth], [noisy, estimate, difference]].slice(0, this.rows.length).forEach((told, i) => {
      this.rows[i].maps.forEach((plot, j) => plot.arrange(size, style, told[j]));
      this.rows[i].curve.arrange(size, style, spec.curves);
    });
    this.comparison.place();
    this.layLegend();
    this.look();
    this.film.paint(this.rows[0].maps.map(plot => plot.colors));
  }

  // Name the runs; their words change with the step only where there are two.
  layLegend() {
    const { hasPin, canPin, note } = this.spec;
    this.legend.replaceChildren(...this.reels.map(({ words, pen, isPinned }) => {
      const entry = document.createElement('div');
      entry.innerHTML = '<i></i><span></span><span></span>';
      entry.firstChild.style.borderTop = `2px ${isPinned ? 'dashed' : 'solid'} ${pen.color}`;
      entry.children[1].textContent = words;
      return entry;
    }));
    this.note.textContent = note;
    this.pin.textContent = hasPin ? 'Unpin' : 'Pin this run';
    this.pin.title = hasPin ? '' : 'Keep this run to compare the next one with';
    this.pin.disabled = !hasPin && !canPin;
  }

  look() {
    for (const { maps } of this.rows) for (const plot of maps) plot.look(this.sky.view);
    this.redraw();
  }

  redraw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.draw(); });
  }

  // The picture of a reel's state (0) or estimate (1) at its step.
  picture(reel, kind) {
    const scale = this.spec.maps[kind].scale || reel.scale();
    if (!reel) return { levels: null, shape: this.spec.shape, scale };
    const { shape, label, tag, pen: { color } } = reel, words = tag ? `${tag}, ${label}` : label;
    return { levels: reel.levels(kind), shape, scale, words, color, tag: this.comparison.isOn && tag };
  }

  // The pictures of all maps, row by row.
  pictures() {
    const { current, pinned, spec, comparison: { mode, isFlipped } } = this;
    const front = (isFlipped ? pinned : current) || pinned;
    const truth = { levels: this.truth, shape: spec.shape, scale: spec.maps[2].scale, words: 'the same at all steps' };
    const estimates = mode === 'swipe' ? [this.picture(current, 1), this.picture(pinned, 1)] : [this.picture(front, 1)];
    const rows = [[[this.picture(front, 0)], estimates, [truth]]];
    if (mode !== 'side') return rows;
    const below = [this.picture(pinned, 0), this.picture(pinned, 1)], scale = spec.maps[3].scale;
    const levels = difference(current.levels(1), below[1].levels, spec.dexPerLevel, scale);
    const apart = { levels, shape: current.shape, scale, words: current.label };
    return [...rows, [...below, apart].map(picture => [picture])];
  }

  draw() {
    const { spec, stop, reels, rows } = this, label = reels[0] ? reels[0].label : 'no steps yet';
    const axis = { name: this.axis.value, words: AXES.find(([name]) => name === this.axis.value)[1],
                   ticks: spec.axes[this.axis.value]?.ticks || [] };
    this.pictures().forEach((pictures, i) => {
      rows[i].maps.forEach((plot, j) => plot.draw(pictures[j], spec.extent, this.cross, this.comparison.share));
      rows[i].curve.draw(reels, axis, this.place());
    });
    this.comparison.place();
    this.words.textContent = label;
    this.slider.value = 1 + this.place() * (this.count - 1);
    this.slider.setAttribute('aria-valuetext', label);
    if (reels.length > 1) reels.forEach((reel, i) => { this.legend.children[i].lastChild.textContent = reel.label; });
    this.film.mark(stop);
  }
}

export function render({ model, view, el }) {
  const [x, y] = model.ranges.map(id => view.model.document?.get_model_by_id(id));
  const move = view.model.document?.get_model_by_id(model.crosshair);
  const lines = move && (move.args instanceof Map ? Object.fromEntries(move.args) : move.args);
  const player = new Player(model, x && y ? { x, y } : null, lines, el);
  model.on('spec', () => player.take());
  model.on('size', () => player.arrange());
  model.on('colors', () => player.arrange());
  model.on('step', () => {
    const { current, playing, spec } = player;
    if (!playing && model.step && current && model.step !== current.step) player.show(player.stopOf(model.step));
  });
  model.on('msg:custom', message => player.receive(message));
  model.on('remove', () => player.close());
}
