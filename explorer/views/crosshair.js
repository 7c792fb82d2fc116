// The crosshair of all maps: where its lines meet, each map's readout tells the value beneath.

const READOUT_INSET = 5;

// The value of a Bokeh image at [x, y] in kpc; undefined beyond it, or where there is none.
function valueAt(figure, x, y) {
  const renderer = figure.renderers.find(({ glyph, visible }) => glyph.image && visible);
  if (!renderer) return undefined;
  const column = name => {
    const spec = renderer.glyph[name], held = renderer.data_source.data[spec.field];
    return held ? held[0] : spec.value;
  };
  const image = column('image');
  if (!image) return undefined;
  const [height, width] = image.shape || [image.length, image[0].length];
  const i = Math.floor((x - column('x')) / column('dw') * width);
  const j = Math.floor((y - column('y')) / column('dh') * height);
  if (i < 0 || i >= width || j < 0 || j >= height) return undefined;
  return image.shape ? image[j * width + i] : image[j][i];
}

export function render({ model, view, el }) {
  const move = view.model.document?.get_model_by_id(model.move);
  if (!move) return;
  const told = name => move.args instanceof Map ? move.args.get(name) : move.args[name];
  const lines = [told('across'), told('down')];
  const text = document.createElement('span');
  text.style.cssText = 'font: 12px var(--font); font-variant-numeric: tabular-nums; white-space: pre; '
    + 'display: block; min-width: 11ch'; // as wide whatever it says, or the maps would move
  el.append(text);
  const dress = () => { text.style.color = model.color; };
  dress();

  let waiting = 0;
  const place = value => value.toFixed(1).replace('-', '\u2212');
  const read = () => {
    waiting = 0;
    const [y, x] = lines.map(line => line.location), isOn = Number.isFinite(x) && Number.isFinite(y);
    text.textContent = isOn ? `x ${place(x)} kpc\ny ${place(y)} kpc` : '';
    for (const figure of told('figures')) {
      const readout = figure.center.find(({ name }) => name === 'readout');
      if (!readout) continue;
      const [unit, isLogarithmic] = readout.tags;
      const value = isOn ? valueAt(figure, x, y) : undefined;
      if (value === undefined) {
        if (readout.visible) readout.setv({ visible: false }, { sync: false });
        continue;
      }
      const number = unit === 'dex' ? value.toFixed(2).replace('-', '\u2212')
        : powerOfTen(isLogarithmic ? 10 ** value : value, 1);
      const words = Number.isNaN(value) ? 'no data' : `${number} ${unit}`;
      const top = figure.frame_height - READOUT_INSET;
      readout.setv({ text: words, y: top, visible: true }, { sync: false });
    }
  };
  const changed = () => { waiting ||= requestAnimationFrame(read); };
  for (const line of lines) line.properties.location.change.connect(changed);

  // Keys, wherever the page has no use of its own for them.
  const press = event => {
    const target = event.composedPath()[0];
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (target.matches?.('input:not([type=range]), textarea, select, [contenteditable]')) return;
    if (event.composedPath().some(each => each.matches?.('dialog, [role=listbox], [role=menu]'))) return;
    if (event.key !== 'l' && event.key !== 'o') return;
    event.preventDefault(); // once, where the page has laid this out anew
    if (event.key === 'l') model.scale = model.scale === 'linear' ? 'logarithmic' : 'linear';
    else model.limits = model.limits === 'own' ? 'shared' : 'own';
  };
  document.addEventListener('keydown', press);
  model.on('color', dress);
  model.on('remove', () => {
    document.removeEventListener('keydown', press);
    for (const line of lines) line.properties.location.change.disconnect(changed);
  });
}
