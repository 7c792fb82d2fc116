// Drawing on a canvas: ticks, words, lines, colors of levels. Lengths are CSS pixels.

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
