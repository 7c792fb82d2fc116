// How a run and the pinned one are compared: side by side, by a divider, or in turns.

const BLINK_MS = 333; // each for a third of a second: 1.5 Hz
const MODES = [
  ['side', 'Side by side', 'The pinned run beneath, and how the two differ'],
  ['swipe', 'Swipe', 'Both estimates in one map, with a divider to drag'],
  ['blink', 'Blink', 'Both in turns in one place; B flips and holds'],
];

// Buttons of which one is pressed; `choices` are [value, words, what it means].
class Segments {
  constructor(element, choices, value, changed) {
    this.buttons = choices.map(([choice, words, title]) => {
      const button = document.createElement('button');
      Object.assign(button, { type: 'button', textContent: words, title, value: choice });
      button.addEventListener('click', () => { this.value = choice; changed(choice); });
      return button;
    });
    element.replaceChildren(...this.buttons);
    this.value = value;
  }

  get value() { return this.buttons.find(b => b.getAttribute('aria-pressed') === 'true').value; }
  set value(value) {
    for (const button of this.buttons) button.setAttribute('aria-pressed', button.value === value);
  }
}

class Comparison {
  // `chosen` is called with another mode, `changed` when another picture is wanted in the same one.
  constructor(element, chosen, changed) {
    Object.assign(this, { element, chosen, changed });
    this.share = 0.5; // of the frame that is left of the divider
    this.isFlipped = false;
    this.modes = new Segments(element, MODES, 'side', () => this.choose());
    this.still = window.matchMedia('(prefers-reduced-motion: reduce)');
  }

  // Begin or end comparing.
  take(isOn) {
    this.isOn = isOn;
    this.element.hidden = !isOn;
    this.blink();
  }

  get mode() { return this.isOn ? this.modes.value : 'one'; }

  choose() {
    // Chosen again where nothing moves by itself, it flips.
    if (this.mode === 'blink' && this.still.matches) this.isFlipped = !this.isFlipped;
    this.blink();
    this.chosen();
  }

  blink() {
    clearInterval(this.timer);
    if (this.mode !== 'blink') this.isFlipped = false;
    else this.timer = setInterval(() => {
      if (this.still.matches || document.hidden) return;
      this.isFlipped = !this.isFlipped;
      this.changed();
    }, BLINK_MS);
  }

  // Show the other one, and hold it.
  flip() {
    if (this.mode !== 'blink') return;
    clearInterval(this.timer);
    this.isFlipped = !this.isFlipped;
    this.changed();
  }

  close() { clearInterval(this.timer); }

  // Put a divider into the pane of a map.
  attach(plot) {
    const handle = document.createElement('div');
    handle.className = 'divider';
    handle.tabIndex = 0;
    const told = { role: 'slider', 'aria-label': 'Divider: this run at its left, the pinned one at its right',
                   'aria-valuemin': 0, 'aria-valuemax': 100 };
    for (const [name, value] of Object.entries(told)) handle.setAttribute(name, value);
    const move = share => { this.share = Math.min(Math.max(share, 0), 1); this.changed(); };
    handle.addEventListener('pointerdown', event => handle.setPointerCapture(event.pointerId));
    handle.addEventListener('pointermove', event => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      move((event.clientX - plot.canvas.getBoundingClientRect().left - plot.left) / plot.size);
    });
    handle.addEventListener('keydown', event => {
      const share = { ArrowLeft: this.share - 0.02, ArrowRight: this.share + 0.02, Home: 0, End: 1 }[event.key];
      if (share === undefined) return;
      event.preventDefault();
      event.stopPropagation(); // or the step would change as well
      move(share);
    });
    plot.pane.append(handle);
    this.handle = handle;
    this.plot = plot;
  }

  place() {
    const { handle, plot: { left, top, size } } = this;
    handle.hidden = this.mode !== 'swipe';
    handle.setAttribute('aria-valuenow', Math.round(100 * this.share));
    const x = left + Math.round(this.share * size);
    Object.assign(handle.style, { left: `${x}px`, top: `${top}px`, height: `${size}px` });
  }
}

// Levels of log10(a / b) for two pictures of one logarithmic scale, on a linear one in dex.
function difference(a, b, dexPerLevel, { low, high }) {
  if (!a || !b || a.length !== b.length) return null;
  const table = new Uint8Array(511), levels = new Uint8Array(a.length);
  for (let i = 0; i < 511; i++) {
    const part = ((i - 255) * dexPerLevel - low) / (high - low);
    table[i] = 1 + Math.round(254 * Math.min(Math.max(part, 0), 1));
  }
  for (let i = 0; i < a.length; i++) levels[i] = a[i] && b[i] && table[a[i] - b[i] + 255];
  return levels;
}
